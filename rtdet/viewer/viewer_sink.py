"""The sink of a viewer's recording, and the writer of its snapshots."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rtdet.errors import OutputError
from rtdet.output_file import cannot_write, write_whole
from rtdet.protocols import Sink
from rtdet.types import Frame, FrameResult
from rtdet.video.draw import DrawStyle, Mark, draw_marks


class ViewerSink:
    """A recording made while watching; its errors never stop playback.

    Errors of the sink inside are kept in `error` instead of raised. Times are shifted so that the recording
    begins at 0 and goes on without a gap when the user pauses a live source. It ends with its source, also when that
    is played again.

    keeps_times: frames are handed on as they are, for a sink that needs the source's own times, as it does for the
    sound of a file, and that closes the gaps itself.
    """

    def __init__(
        self, sink: Sink, path: Path, *, interval_s: float = 0.04, keeps_times: bool = False
    ) -> None:
        self.path = path
        self.error: Exception | None = None
        self.closed = False
        self.frames = 0
        self._lock = threading.Lock()
        self._sink = sink
        self._interval_s = interval_s
        self._keeps_times = keeps_times
        self._shift_s: float | None = None
        self._last_s = 0.0

    def write(self, result: FrameResult) -> None:
        if self.error is not None or self.closed:
            return
        try:
            self._sink.write(
                result if self._keeps_times else replace(result, frame=self._shifted(result.frame))
            )
            self.frames += 1
        except Exception as error:  # shown in the window by the session
            self.error = error
            self._close_quietly()

    def close(self) -> None:
        with self._lock:  # a second caller waits until the file is complete
            if self.closed:
                return
            if self.error is None:
                self._close_quietly()
            self.closed = True

    def _shifted(self, frame: Frame) -> Frame:
        if self._shift_s is None:
            self._shift_s = -frame.t
        t = frame.t + self._shift_s
        if self.frames and not self._last_s < t < self._last_s + 2.0:
            t = self._last_s + self._interval_s
            self._shift_s = t - frame.t
        self._last_s = t
        return replace(frame, t=t, index=self.frames, pts=None, time_base=None)

    def _close_quietly(self) -> None:
        try:
            self._sink.close()
        except Exception as error:
            if self.error is None:
                self.error = error


def write_snapshot(path: Path, frame: Frame, marks: Sequence[Mark], style: DrawStyle) -> None:
    """Writes the frame as a PNG, with the marks on it. Raises OutputError."""
    import cv2

    image = frame.bgr.copy()
    draw_marks(image, marks, style)
    encoded, png = cv2.imencode(".png", image)
    if not encoded:
        raise OutputError(f"cannot encode this picture as PNG for {path.name}")
    write_png(path, png.tobytes())


def write_png(path: Path, png: bytes) -> None:
    """Writes an encoded picture, in a folder that is made where it is not there. Raises OutputError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error
    write_whole(path, png)
