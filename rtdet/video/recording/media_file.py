"""The file that FFmpeg writes a recording through."""

from __future__ import annotations

from rtdet.output_file import OutputFile, write_all
from rtdet.video.recording.mp4_index import append_index


class MediaFile:
    """The file that FFmpeg writes through. A failed write cuts it to its last whole fragment (MP4) or
    cluster (MKV); everything after that is swallowed.
    """

    _STARTS = (b"moof", b"\x1f\x43\xb6\x75")

    def __init__(self, file: OutputFile) -> None:
        self._output = file
        self._raw = file.open()
        self._at = self._whole_until = 0
        self._first_at: int | None = None  # of the fragments

    def write(self, content: bytes) -> int:
        if self._output.failure is None:
            # The muxer flushes after each packet, so that fragments begin where a write does.
            if content[4:8] == self._STARTS[0] or content[:4] == self._STARTS[1]:
                self._first_at = self._at if self._first_at is None else self._first_at
                self._whole_until = self._at
            try:
                write_all(self._raw, content)
            except OSError as error:
                self._output.fail(error)
                # A header alone is as good as an empty file, which is removed when it is closed.
                has_pictures = self._first_at is not None and self._whole_until > self._first_at
                self._raw.truncate(self._whole_until if has_pictures else 0)
                raise
        self._at += len(content)
        return len(content)

    def seek(self, offset: int, whence: int = 0) -> int:
        if self._output.failure is None:
            self._at = self._raw.seek(offset, whence)
        return self._at

    def tell(self) -> int:
        return self._at

    def append_index(self) -> None:
        """Makes a fragmented MP4 that is complete a plain one. Raises OSError where the index does not fit on the
        disk: then the file stays as it was."""
        length = self._raw.seek(0, 2)
        try:
            append_index(self._raw)
        except OSError as error:
            self._output.fail(error)
            self._raw.truncate(length)
            raise

    def read(self, size: int = -1) -> bytes:
        """The muxer reads back what it wrote when it moves parts of the file."""
        content = self._raw.read(size)
        self._at = self._raw.tell()
        return content or b""
