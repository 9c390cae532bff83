"""The signals that ask a run to end: Ctrl-C, SIGTERM from a supervisor, SIGHUP when its terminal is closed."""

from __future__ import annotations

import signal


def ending() -> tuple[signal.Signals, ...]:
    """The signals that end a run: not SIGHUP where the process was started to ignore it, as `nohup` does."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    if hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN:
        numbers.append(hangup)
    return tuple(numbers)
