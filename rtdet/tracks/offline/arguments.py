"""Kinds of an edit's arguments: each takes a value, of a person's or of a file's, and returns it checked."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from rtdet.errors import UsageError
from rtdet.tracks.table import FARTHEST, LAST_FRAME, LAST_ID

# Takes what the argument is called, and its value. Raises UsageError.
Kind = Callable[[str, Any], Any]
_LONGEST_NAME = 200


def track_id(what: str, value: Any) -> int:
    """A track's ID."""
    if _is_whole(value) and 0 <= value <= LAST_ID:
        return int(value)
    raise UsageError(f"{what}: an ID must be a whole number from 0 to {LAST_ID}, not {value!r}")


def frame(what: str, value: Any) -> int:
    """A frame, from 1."""
    if _is_whole(value) and 1 <= value <= LAST_FRAME:
        return int(value)
    raise UsageError(f"{what}: frames are numbered 1 to {LAST_FRAME}, not {value!r}")


def box(what: str, value: Any) -> tuple[float, ...]:
    """A box xyxy that has a width and a height."""
    corners = tuple(value) if hasattr(value, "__iter__") and not isinstance(value, str) else ()
    if len(corners) != 4 or not all(_is_number(corner) and abs(corner) <= FARTHEST for corner in corners):
        raise UsageError(f"{what} must be four numbers of pixels within {FARTHEST:g}, not {value!r}")
    left, top, right, bottom = map(float, corners)
    if right <= left or bottom <= top:
        raise UsageError(
            f"{what} must have a width and a height above 0, not {right - left:g} and {bottom - top:g}"
        )
    return left, top, right, bottom


def class_name(what: str, value: Any) -> str:
    """The name of a class."""
    if isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME and value.isprintable() and value.strip():
        return value
    raise UsageError(f"{what} must be a class's name of at most {_LONGEST_NAME} characters, not {value!r}")


def seconds(what: str, value: Any) -> float:
    """A length of time above 0."""
    if _is_number(value) and 0 < value < math.inf:
        return float(value)
    raise UsageError(f"{what} must be seconds, above 0, not {value!r}")


def flag(what: str, value: Any) -> bool:
    """Yes or no."""
    if isinstance(value, bool):
        return value
    raise UsageError(f"{what} must be true or false, not {value!r}")


def _is_whole(value: Any) -> bool:
    """NumPy's numbers too, but not True."""
    return hasattr(value, "__index__") and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return hasattr(value, "__float__") and not isinstance(value, bool) and not hasattr(value, "__len__")
