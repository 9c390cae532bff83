"""A camera of this machine, through OpenCV."""

from __future__ import annotations

import errno
import os
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2

from rtdet.errors import SourceError
from rtdet.terminal import quiet_opencv
from rtdet.types import Image, SourceInfo
from rtdet.video.sources.cameras import list_cameras
from rtdet.video.sources.live import LiveSource

_BUSY = "another program may be using it; close that, or choose another camera"
CaptureFactory = Callable[[int], Any]


def open_capture(index: int) -> Any:
    """cv2.VideoCapture by the system's own interface."""
    interfaces = {"linux": cv2.CAP_V4L2, "win32": cv2.CAP_DSHOW, "darwin": cv2.CAP_AVFOUNDATION}
    return cv2.VideoCapture(index, interfaces.get(sys.platform, cv2.CAP_ANY))


class WebcamSource(LiveSource):
    """Camera `index`. MJPG is asked for first, because many cameras give raw pictures at 5 a second only;
    what was granted is in `info.detail`.

    size, fps: what is asked for; the camera may give something else.
    open_timeout_s: for the first picture. lost_s: how long reads may fail or block before the camera is
    lost. frozen_s: how long it may send the very same picture (an unplugged camera may; a flat picture,
    such as that of a covered lens, is excepted); None: for ever. Raises SourceError.
    """

    def __init__(
        self,
        index: int = 0,
        *,
        size: tuple[int, int] = (1280, 720),
        fps: float = 30.0,
        open_timeout_s: float = 10.0,
        lost_s: float = 3.0,
        frozen_s: float | None = 10.0,
        capture_factory: CaptureFactory = open_capture,
    ) -> None:
        super().__init__(f"webcam:{index}")
        self._index = index
        self._size = size
        self._fps = fps
        self._lost_s = lost_s
        self._frozen_s = frozen_s
        self._capture_factory = capture_factory
        self._print = 0
        self._changed_at = time.monotonic()
        self._start(open_timeout_s, f"webcam {index} gives no picture: {_BUSY}")
        self._silence = (1.5 * lost_s, self._lost_line("it gives no more pictures"))

    def _produce(self) -> None:
        with quiet_opencv():
            capture = self._capture_factory(self._index)
            try:
                if not capture.isOpened():
                    raise SourceError(self._why_absent())
                self._ask(capture)
                self._film(capture)
            finally:
                capture.release()

    def _interrupt(self) -> None:
        """OpenCV cannot be interrupted: the thread releases the camera when its read returns."""

    def _ask(self, capture: Any) -> None:
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._size[1])
        capture.set(cv2.CAP_PROP_FPS, self._fps)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)

    def _film(self, capture: Any) -> None:
        failing_since: float | None = None
        while not self._closing.is_set():
            ok, picture = capture.read()
            now = time.monotonic()
            if ok and picture is not None and picture.size:
                failing_since = None
                self._deliver(capture, picture)
                continue
            failing_since = now if failing_since is None else failing_since
            if now - failing_since > self._lost_s:
                raise SourceError(self._lost_line("it gives no more pictures"))
            self._closing.wait(0.02)

    def _deliver(self, capture: Any, picture: Image) -> None:
        if picture.ndim == 2:
            picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
        if self._count == 0:
            self.info = self._describe(capture, picture)
        self._watch(picture)
        self._put(picture)

    def _watch(self, picture: Image) -> None:
        """Sensor noise changes every picture: the same bytes again and again are not from a sensor."""
        sample = picture[::7, ::5]
        fingerprint = zlib.crc32(sample.tobytes())
        now = time.monotonic()
        if fingerprint != self._print or int(sample.max()) - int(sample.min()) < 8:
            self._print, self._changed_at = fingerprint, now
        elif self._frozen_s is not None and now - self._changed_at > self._frozen_s:
            raise SourceError(self._lost_line(f"it has sent the very same picture for {self._frozen_s:g} s"))

    def _describe(self, capture: Any, picture: Image) -> SourceInfo:
        height, width = picture.shape[:2]
        code = int(capture.get(cv2.CAP_PROP_FOURCC))
        letters = code.to_bytes(4, "little", signed=False) if code > 0 else b""
        pixel_format = letters.decode("latin-1").strip() if letters.isalnum() else "unknown format"
        fps = float(capture.get(cv2.CAP_PROP_FPS))
        rate = f" at {fps:g} fps" if fps > 0 else ""
        known = {camera.index: camera.name for camera in list_cameras()} if sys.platform == "linux" else {}
        name = f"{known[self._index]}, " if self._index in known else ""
        return SourceInfo(
            self._name, width, height, fps if fps > 0 else None,
            is_live=True, detail=f"{name}{pixel_format} {width}x{height}{rate}",
        )  # fmt: skip

    def _lost_line(self, what: str) -> str:
        return f"webcam {self._index} was lost: {what}; plug it in again and reopen it"

    def _why_absent(self) -> str:
        cameras = list_cameras()
        here = ", ".join(f"webcam:{camera.index} ({camera.name})" for camera in cameras)
        if self._index not in {camera.index for camera in cameras}:
            choice = f"connected: {here}" if cameras else "no camera is connected"
            return f"cannot open webcam {self._index}: there is no such camera; {choice}"
        return f"cannot open webcam {self._index} ({here}): {self._refusal()}"

    def _refusal(self) -> str:
        device = Path(f"/dev/video{self._index}")
        if device.exists():
            try:
                os.close(os.open(device, os.O_RDWR | os.O_NONBLOCK))
            except OSError as error:
                if error.errno in (errno.EACCES, errno.EPERM):
                    return f"no permission for {device}; add yourself to the group video and log in again"
        return _BUSY
