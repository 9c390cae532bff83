"""How a picture shows that it is not certain where a track is: its box fades, and is dashed while it is missed."""

from __future__ import annotations

import numpy as np

from rtdet.types import BoolArray, FloatArray, Tracks

FAINTEST = 0.25
# A track that was last seen this long before the others, or this long ago, counts as missed.
_MISSED_S, _LONG_AGO_S = 0.1, 0.6


def opacities(tracks: Tracks, fade_s: float) -> FloatArray:
    """(N,) 1 for a track that was just seen, falling to FAINTEST as its uncertainty nears 1 or as it was not seen
    for `fade_s` seconds, whichever comes first."""
    doubt = np.maximum(tracks.uncertainty, tracks.since_update_s / max(fade_s, 1e-6))
    faint: FloatArray = 1 - (1 - FAINTEST) * np.nan_to_num(doubt, nan=1.0).clip(0, 1)
    return faint


def missed(tracks: Tracks) -> BoolArray:
    """(N,) the tracks that the newest detections left out. The detector's own delay makes none of them."""
    since_s = tracks.since_update_s
    return np.asarray((since_s > since_s.min(initial=np.inf) + _MISSED_S) | (since_s > _LONG_AGO_S))
