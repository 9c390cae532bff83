"""Metres for pixels, where the user gives a scale of the ground: speeds and distances of tracks, and pictures of
where they went."""

from __future__ import annotations

from rtdet.ground.meter import SpeedMeter
from rtdet.ground.scale import Ground, Scale, scale_of
from rtdet.ground.speeds import walked, with_speeds
from rtdet.ground.zones import needed_scale, read_scale, scale_in_text

__all__ = [
    "Ground",
    "Scale",
    "SpeedMeter",
    "needed_scale",
    "read_scale",
    "scale_in_text",
    "scale_of",
    "walked",
    "with_speeds",
]
