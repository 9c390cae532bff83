"""How much more the objects of a scene turn and stop than a filter expects of people who walk and cars that drive.

Dancers and players reverse within a fraction of a second. A filter made for walkers then believes its velocities for
too long: predictions overshoot, and boxes are given to neighbours. The filter says itself when that is so: the
squares of its innovations, each divided by its expected variance, are 1 in the mean when it is right about the
motion (the normalised innovation squared of Bar-Shalom, Li and Kirubarajan, Estimation with Applications to Tracking
and Navigation, 2001, section 5.4). Where they are larger for a while, velocities are taken to vary more and to last
shorter, until they no longer are; where they are smaller, as in ordinary scenes, nothing changes at all.
"""

from __future__ import annotations

import math

import numpy as np

from rtdet.types import FloatArray

# On MOT17 squared innovations are .2 to .6 of what is expected, also where three frames of four are missing, for the
# filter allows for more than walkers do; among dancers they are 2.
USUAL = 0.7
# One innovation counts for at most this much: it may be another object's box.
MOST_SURPRISE = 9.0
# The agility grows or falls by the factor e in this time for each 1 that the surprise is off.
ADAPTS_S = 3.0
MOST = 4.0
# Steps in which it is given out, rounded down, so that a moment of surprise changes nothing.
_STEPS_PER_OCTAVE = 2


class Agility:
    """Estimates a scene's agility from how far detections lie off their tracks.

    value  1.0 where objects move as a filter expects, up to 4.0 where they turn much more: velocities vary by this
           factor more (forecast.advance).
    """

    def __init__(self) -> None:
        self.value = 1.0
        self._log = 0.0

    def observe(self, surprise: FloatArray, elapsed_s: float) -> None:
        """Takes in the normalised squared innovations (N,) of one update, `elapsed_s` after the last."""
        if not len(surprise):
            return
        off = float(np.minimum(surprise, MOST_SURPRISE).sum()) / len(surprise) - USUAL
        log = self._log - math.expm1(-elapsed_s / ADAPTS_S) * off
        self._log = min(max(log, 0.0), math.log(MOST))
        self.value = 2.0 ** (math.floor(_STEPS_PER_OCTAVE * self._log / math.log(2)) / _STEPS_PER_OCTAVE)
