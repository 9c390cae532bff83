"""What the settings of every tracker must be."""

from __future__ import annotations

import math

from rtdet.errors import UsageError


def require(holds: bool, message: str) -> None:
    """Raises UsageError with the message where it does not hold."""
    if not holds:
        raise UsageError(message)


def check_times(fps: float | None, **seconds: float) -> None:
    """Raises UsageError for a frame rate or a number of seconds that no tracker takes, by its name."""
    require(fps is None or 1e-3 <= fps <= 1e5, f"fps is between 0.001 and 100000, not {fps}")
    for name, value in seconds.items():
        require(0 <= value < math.inf, f"{name} is seconds, 0 or more, not {value:g}")
