"""A detector's input size, changed while pictures come in."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from rtdet.errors import UsageError
from rtdet.types import InputSize

log = logging.getLogger("rtdet.detectors")

# Where a network is compiled that is closed meanwhile, so long at most is waited for it.
_PATIENCE_S = 1.5


class Side:
    """The longer side of a detector's input in pixels: the one in use, and another that is being prepared for it.

    `prepare(side)` compiles the network for that side, which may take seconds; it is called in a thread of its own,
    and until it has returned the old side is in use: no picture waits for it. Where it fails, the old one stays and a
    warning says so.
    """

    def __init__(self, side: int, prepare: Callable[[int], None]) -> None:
        self.now = side
        self._prepare = prepare
        self._wanted = side
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def change(self, side: int) -> None:
        """Asks for another side; of several the last one counts. Never waits. Raises UsageError below 64 pixels."""
        if side < 64:
            raise UsageError(f"an input of {side} pixels is too small for this model; use 64 or more")
        with self._lock:
            self._wanted = side
            if self._wanted != self.now and self._thread is None and not self._is_closed:
                self._thread = threading.Thread(target=self._work, name="rtdet-compile", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Prepares nothing more."""
        with self._lock:
            self._is_closed, self._wanted, thread = True, self.now, self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_PATIENCE_S)

    def _work(self) -> None:
        while True:
            with self._lock:
                side = self._wanted
                if side == self.now:
                    self._thread = None
                    return
            try:
                self._prepare(side)
            except Exception as error:
                with self._lock:
                    if self._wanted == side:
                        self._wanted = self.now
                    if not self._is_closed:
                        log.warning("the input stays at %d pixels: %s", self.now, error)
                continue
            with self._lock:
                self.now = side


class Sided:
    """What detectors share whose input can be changed as they run; they set `_side` and `input_size`."""

    input_size: InputSize
    _side: Side

    @property
    def side(self) -> int:
        """Pixels of the longer side of the input that is in use."""
        return self._side.now

    def set_side(self, side: int) -> None:
        """Looks at pictures with another input, of so many pixels on the longer side, as soon as the network is
        compiled for it; until then with the one in use. Never waits. Raises UsageError where the model has one input
        only."""
        if self.input_size.is_fixed:
            raise UsageError("this model has one input size only")
        self._side.change(side)
