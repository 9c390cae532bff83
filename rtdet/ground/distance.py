"""How far an object went: the length of its path, without the trembling of one that stands."""

from __future__ import annotations

import numpy as np

from rtdet.types import FloatArray

# A step counts once it is longer than this many standard errors of the place, and than this.
_STEP_ERRORS, _LEAST_STEP_M = 3.0, 0.1


def step_m(place_se: FloatArray) -> FloatArray:
    """The shortest step that counts, of places that are so sure."""
    return np.maximum(_STEP_ERRORS * place_se, _LEAST_STEP_M)


def distances(places: FloatArray, place_se: FloatArray) -> FloatArray:
    """(n,) metres that were gone up to each of the places (n, 2) of one object."""
    result, gone = np.zeros(len(places)), 0.0
    shortest, (x, y) = step_m(place_se).tolist(), places[0].tolist()
    for row, (to_x, to_y) in enumerate(places.tolist()):
        step = ((to_x - x) ** 2 + (to_y - y) ** 2) ** 0.5
        if step > shortest[row]:
            x, y, gone = to_x, to_y, gone + step
        result[row] = gone
    return result
