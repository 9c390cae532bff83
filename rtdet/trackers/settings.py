"""Checks the settings of trackers, and holds those that differ by class."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence

import numpy as np

from rtdet.errors import UnknownNameError, UsageError
from rtdet.types import FloatArray, class_called

ByClass = Mapping[str, Mapping[str, float]]


def require(holds: bool, message: str) -> None:
    """Raises UsageError with the message unless the condition holds."""
    if not holds:
        raise UsageError(message)


def check_times(fps: float | None, **seconds: float) -> None:
    """Raises UsageError for a frame rate or a number of seconds that no tracker takes, by its name."""
    require(fps is None or 1e-3 <= fps <= 1e5, f"fps must be between 0.001 and 100000, not {fps}")
    for name, value in seconds.items():
        require(0 <= value < math.inf, f"{name} must be seconds, 0 or more, not {value:g}")


class PerClass:
    """{"person": {"max_age_s": 2.0}}: for a class, by its name (its number where classes have no names), the
    settings that are its own. `known` are the settings that may be, with the largest value of each.

    Raises UnknownNameError for another setting, UsageError for a value that is no number from 0 to that.
    """

    def __init__(self, settings: ByClass | None, known: Mapping[str, float]) -> None:
        self._settings = {name: dict(own) for name, own in (settings or {}).items()}
        for class_name, own in self._settings.items():
            for key, value in own.items():
                if key not in known:
                    raise UnknownNameError("setting by class", key, known)
                is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
                if not (is_number and 0 <= value <= known[key] and value < math.inf):
                    limit = "0 or more" if known[key] == math.inf else f"0 to {known[key]:g}"
                    raise UsageError(f"{key} of class {class_name} must be a number, {limit}, not {value!r}")

    def __bool__(self) -> bool:
        """Whether any class has a setting of its own."""
        return bool(self._settings)

    def values(
        self, key: str, default: float, labels: FloatArray, names: Sequence[str]
    ) -> FloatArray | float:
        """The setting `key` of each of `labels` (N,), indices into `names`; a single number where no class has its
        own."""
        own = [(name, settings[key]) for name, settings in self._settings.items() if key in settings]
        if not own:
            return default
        result = np.full(len(labels), float(default))
        for name, value in own:
            for label in labels_of(name, names):
                result[labels == label] = value
        return result


def labels_of(name: str, names: Sequence[str]) -> list[int]:
    """The indices into `names` of a class that is given by its name, or by its number where it has none."""
    if (called := class_called(name, names)) is not None:
        return [label for label, each in enumerate(names) if each == called]
    return [int(name)] if name.isdecimal() and not (int(name) < len(names)) else []
