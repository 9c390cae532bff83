"""Files behind the addresses that fsspec knows: s3://, gs://, az://, sftp://, zip:// and many more."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from rtdet.address import hide_secrets
from rtdet.errors import MissingExtraError, SourceError
from rtdet.extras import is_installed
from rtdet.video.sources.names import VIDEO_SUFFIXES, is_glob


def list_bucket(address: str) -> Iterator[str]:
    """The addresses of the files that one names: itself, all videos below a folder, or those of a pattern. Raises
    SourceError, and MissingExtraError where fsspec, or the package that it needs for the scheme, is missing."""
    system, path = _filesystem(address)
    try:
        if is_glob(path):
            found = sorted(system.glob(path))
        elif system.isdir(path):
            found = sorted(name for name in system.find(path) if _is_video(name))
        else:
            found = [path]
    except Exception as error:  # of whatever library serves the scheme
        raise SourceError(f"cannot list {hide_secrets(address)}: {_reason(error)}") from error
    if not found:
        raise SourceError(f"there is no video at {hide_secrets(address)}: check the address")
    scheme, _, inside = address.partition("://")
    chained = inside.partition("::")[1:]
    for name in found:
        yield (
            f"{scheme}://{name.lstrip('/')}{''.join(chained)}"
            if chained[0]
            else system.unstrip_protocol(name)
        )


def open_bucket_file(address: str) -> BucketFile:
    """Raises SourceError and MissingExtraError."""
    system, path = _filesystem(address)
    try:
        return BucketFile(system.open(path, "rb"))
    except Exception as error:
        raise SourceError(f"cannot open {hide_secrets(address)}: {_reason(error)}") from error


def _filesystem(address: str) -> tuple[Any, str]:
    if not is_installed("fsspec"):
        raise MissingExtraError(
            f"{hide_secrets(address)} needs the package fsspec, which is not installed: pip install fsspec, and the "
            "package that it names for this kind of address"
        )
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(address)
    except ImportError as error:
        raise MissingExtraError(f"{hide_secrets(address)}: {_reason(error)}") from error
    except Exception as error:
        raise SourceError(
            f"{hide_secrets(address)} is no address that can be read: {_reason(error)}"
        ) from error
    return system, str(path)


class BucketFile:
    """A file of fsspec's as a video is read from it (video.sources.container.RemoteFile)."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._is_aborted = threading.Event()

    def read(self, size: int) -> bytes:
        if self._is_aborted.is_set():
            raise OSError("it was closed")
        content: bytes = self._file.read(size)
        return content

    def seek(self, offset: int, whence: int = 0) -> int:
        place: int = self._file.seek(offset, whence)
        return place

    def tell(self) -> int:
        place: int = self._file.tell()
        return place

    def seekable(self) -> bool:
        return bool(self._file.seekable())

    def abort(self) -> None:
        self._is_aborted.set()

    def close(self) -> None:
        with suppress(Exception):
            self._file.close()


def _is_video(name: str) -> bool:
    return any(name.lower().endswith(suffix) for suffix in VIDEO_SUFFIXES)


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
