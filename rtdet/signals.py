"""What asks a run to end: Ctrl-C, a supervisor (SIGTERM), the closing of its terminal (SIGHUP)."""

from __future__ import annotations

import signal

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
