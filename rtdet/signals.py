"""The signals that ask a run to end: Ctrl-C, SIGTERM from a supervisor, SIGHUP when its terminal is closed."""

from __future__ import annotations

import signal

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
