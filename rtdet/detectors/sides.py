"""How a detector's network runs, its input's size and its precision, changed while pictures come in."""

from __future__ import annotations

import atexit
import logging
import threading
import time
import weakref
from collections.abc import Callable
from typing import NamedTuple

from rtdet.errors import UsageError
from rtdet.types import InputSize

log = logging.getLogger("rtdet.detectors")

# So long at most is waited for a network that is being compiled: when its detector is closed, and when the process
# ends.
_PATIENCE_S = 1.5
_EXIT_LIMIT_S = 60.0


class Form(NamedTuple):
    """The longer side of the input in pixels, and the precision as it is asked for."""

    side: int
    precision: str = "auto"


class Forms:
    """The form in which a detector's network runs, `now`, and another that is being prepared for it.

    `prepare(form)` compiles the network in that form, which may take seconds; it is called in a thread of its own,
    and until it has returned the old form is in use: no picture waits for it. Where it fails, the old one stays and a
    warning says so.
    """

    def __init__(self, now: Form, prepare: Callable[[Form], None]) -> None:
        self.now = now
        self._prepare = prepare
        self._wanted = now
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        _open.add(self)

    def change(self, *, side: int | None = None, precision: str | None = None) -> None:
        """Asks for another side, or another precision; of several wishes the last one counts. Never waits. Raises
        UsageError below 64 pixels."""
        if side is not None and side < 64:
            raise UsageError(f"an input of {side} pixels is too small for this model; use 64 or more")
        with self._lock:
            before = self._wanted
            self._wanted = Form(side or before.side, precision or before.precision)
            if self._wanted != self.now and self._thread is None and not self._is_closed:
                self._thread = threading.Thread(target=self._work, name="rtdet-compile", daemon=True)
                self._thread.start()

    def close(self, timeout_s: float = _PATIENCE_S) -> None:
        """Prepares nothing more. What is being compiled cannot be interrupted, and is waited for so long at most."""
        with self._lock:
            self._is_closed, self._wanted, thread = True, self.now, self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(max(0.0, timeout_s))

    def _work(self) -> None:
        while True:
            with self._lock:
                form = self._wanted
                if form == self.now or self._is_closed:
                    self._thread = None
                    return
            try:
                self._prepare(form)
            except Exception as error:
                with self._lock:
                    if self._wanted == form:
                        self._wanted = self.now
                    if not self._is_closed:
                        what = f"input stays at {self.now.side} pixels"
                        if form.side == self.now.side:
                            what = f"network stays as it is, and not in {form.precision}"
                        log.warning("the %s: %s", what, error)
                continue
            with self._lock:
                self.now = form


class Sided:
    """What detectors share whose network can be changed as they run; they set `_forms` and `input_size`.

    quick_precision: one in which the network would be quicker and less exact, where the user left it to the detector,
    which has taken another; "" where there is none.
    """

    input_size: InputSize
    quick_precision = ""
    _forms: Forms

    @property
    def side(self) -> int:
        """Pixels of the longer side of the input that is in use."""
        return self._forms.now.side

    @property
    def is_quick(self) -> bool:
        """Whether the quick precision is in use."""
        return self._forms.now.precision == self.quick_precision

    def set_side(self, side: int) -> None:
        """Looks at pictures with another input, of so many pixels on the longer side, as soon as the network is
        compiled for it; until then with the one in use. Never waits. Raises UsageError where the model has one input
        only."""
        if self.input_size.is_fixed:
            raise UsageError("this model has one input size only")
        self._forms.change(side=side)

    def set_quick(self, is_quick: bool) -> None:
        """Runs the network in the quick precision, or as at first again, as soon as it is compiled for that. Never
        waits. Nothing happens where there is none."""
        if self.quick_precision:
            self._forms.change(precision=self.quick_precision if is_quick else self._first_precision)

    def _may_be_quick(self, wanted: str, quick: str) -> None:
        """Told once the network is there: the precision in which it was opened, and `backends.quicker_precision`."""
        self._first_precision, self.quick_precision = wanted, quick


# An interpreter that exits while a daemon thread compiles a network is aborted once that comes back: the thread is
# ended inside of native code. So whoever still compiles then is waited for, also where its detector was closed.
_open: weakref.WeakSet[Forms] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    give_up = time.monotonic() + _EXIT_LIMIT_S
    for forms in list(_open):
        forms.close(give_up - time.monotonic())
