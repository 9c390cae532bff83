"""What a camera and a network stream share: a thread that waits for the device, so that read can be left."""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from abc import ABC, abstractmethod
from collections import deque

from rtdet import origin
from rtdet.errors import SourceError
from rtdet.protocols import SourceState
from rtdet.types import Frame, Image, Picture, SourceInfo

STALE_S = 1.0  # a reader that stays away for so long is paused, and wants the newest frame when it returns
_SLOTS = 2
_EXIT_S = 11.0  # at the end of the process, for devices to return: no longer than FFmpeg waits to connect


class LiveSource(ABC):
    """Runs `_produce` in a thread of its own and hands its frames to `read`.

    The device may block for as long as it likes: `close` makes `read` return at once, and the thread
    releases the device as soon as it gets out of it. A reader that keeps reading gets every frame; while
    nobody reads, the oldest are dropped (Frame.index counts them, so does `dropped`).
    Frame.t is the capture clock: seconds between the first frame and this one.
    """

    info: SourceInfo

    def __init__(self, name: str) -> None:
        self.state = SourceState.OPEN
        self.dropped = 0
        self._name = name
        self._slots: deque[Frame] = deque()
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._error: BaseException | None = None
        self._finished = False
        # How long read waits for a picture, and what it says then.
        self._silence: tuple[float | None, str] = (None, "")
        self._unread = False  # nobody has come for the frames for STALE_S
        self._count = 0
        self._started_at = 0.0
        self._last_t = -1.0
        self._thread = origin.Thread(target=self._run, name=f"rtdet source {name}", daemon=True)

    @abstractmethod
    def _produce(self) -> None:
        """Open the device, set `info`, call `_put` for each picture until `_closing`, release the device.

        Raises SourceError when the device cannot be opened or is lost for good."""

    @abstractmethod
    def _interrupt(self) -> None:
        """Unblock `_produce`, if there is a way; called from another thread."""

    def read(self) -> Frame | None:
        with self._changed:
            limit_s, lost = self._silence
            if not self._changed.wait_for(
                lambda: self._slots or self._finished or self._closing.is_set(), limit_s
            ):
                self._closing.set()
                self.state = SourceState.ENDED
                raise SourceError(lost)
            if self._closing.is_set():
                return None
            if self._slots:
                frame = self._slots.popleft()
                self._unread = False
                self._changed.notify_all()
                return frame
            self.state = SourceState.ENDED
            error, self._error = self._error, None
        if error is not None:
            raise error
        return None

    @property
    def is_released(self) -> bool:
        """Whether the thread has left the device."""
        return not self._thread.is_alive()

    def close(self) -> None:
        self._closing.set()
        with self._changed:
            self.state = SourceState.ENDED
            self._slots.clear()
            self._changed.notify_all()
        self._interrupt()

    def _start(self, timeout_s: float, silent: str) -> None:
        """Start the thread and wait for the first picture. Raises SourceError, `silent` when none comes."""
        _running.add(self)
        self._thread.start()
        with self._changed:
            answered = self._changed.wait_for(lambda: self._slots or self._finished, timeout_s)
            error = self._error
        if answered and error is None and self._slots:
            return
        self.close()
        raise error if error is not None else SourceError(silent)

    def _put(self, picture: Image | Picture, t: float | None = None) -> None:
        """Hand over a picture, and wait while the reader is busy with those before it."""
        now = time.monotonic()
        if self._count == 0:
            self._started_at = now
        t = max(now - self._started_at if t is None else t, self._last_t + 1e-6 if self._count else 0.0)
        frame = Frame(picture, t, self._count, now)
        self._count, self._last_t = self._count + 1, t
        with self._changed:
            patience_s = (0.0 if self._unread else STALE_S) if self.info.is_live else None
            self._changed.wait_for(lambda: len(self._slots) < _SLOTS or self._closing.is_set(), patience_s)
            if self._closing.is_set():
                return
            self.state = SourceState.OPEN
            if len(self._slots) >= _SLOTS:
                self._slots.popleft()
                self.dropped += 1
                self._unread = True
            self._slots.append(frame)
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            self._produce()
        except BaseException as error:
            if not self._closing.is_set():
                self._error = error
        finally:
            with self._changed:
                self._finished = True
                self._changed.notify_all()


# An interpreter that exits while native code runs in a daemon thread may crash.
_running: weakref.WeakSet[LiveSource] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    sources = [source for source in _running if not source.is_released]
    for source in sources:
        source.close()
    end = time.monotonic() + _EXIT_S
    for source in sources:
        source._thread.join(max(0.0, end - time.monotonic()))
