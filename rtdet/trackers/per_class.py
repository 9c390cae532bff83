"""Settings of a tracker that differ by class."""

from __future__ import annotations

import numbers
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from rtdet.errors import UnknownNameError, UsageError
from rtdet.types import FloatArray

ByClass = Mapping[str, Mapping[str, float]]


class PerClass:
    """{"person": {"max_age_s": 2.0}}: for a class, by its name (its number where classes have no names), the
    settings that are its own.

    Raises UnknownNameError for a setting that is not one of `known`, UsageError for a value that is no number or
    below 0.
    """

    def __init__(self, settings: ByClass | None, known: Collection[str]) -> None:
        self._settings = {name: dict(own) for name, own in (settings or {}).items()}
        for class_name, own in self._settings.items():
            for key, value in own.items():
                if key not in known:
                    raise UnknownNameError("setting by class", key, known)
                if not isinstance(value, numbers.Real) or isinstance(value, bool) or not 0 <= value < np.inf:
                    raise UsageError(f"{key} of class {class_name} is a number, 0 or more, not {value!r}")

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
            for label in _labels_of(name, names):
                result[labels == label] = value
        return result

    def least(self, key: str, default: float) -> float:
        """The smallest value of `key` for any class."""
        return min([default, *(own[key] for own in self._settings.values() if key in own)])

    def most(self, key: str, default: float) -> float:
        """The largest value of `key` for any class."""
        return max([default, *(own[key] for own in self._settings.values() if key in own)])


def _labels_of(name: str, names: Sequence[str]) -> list[int]:
    if name in names:
        return [label for label, each in enumerate(names) if each == name]
    return [int(name)] if name.isdecimal() and not (int(name) < len(names)) else []
