"""Rendering again: a film and the tracks of its finished run become a new film, without a detector or a tracker.

`render` reads frames, takes each one's tracks from a table by its number, hides what is to be hidden, and hands
both to sinks: a recording (the same as a run's, drawn by the same painter) and crops of each track.
"""

from rtdet.rendering.clips import Clip, Event, clips_around, read_events
from rtdet.rendering.counted import CountedZones
from rtdet.rendering.crops import CropFolder
from rtdet.rendering.following import FollowedTrack
from rtdet.rendering.hiding import HiddenClasses, hide
from rtdet.rendering.looked_at import LookedAt
from rtdet.rendering.matching import TracksOfFilm
from rtdet.rendering.render import Span, render

__all__ = [
    "Clip",
    "CountedZones",
    "CropFolder",
    "Event",
    "FollowedTrack",
    "HiddenClasses",
    "LookedAt",
    "Span",
    "TracksOfFilm",
    "clips_around",
    "hide",
    "read_events",
    "render",
]
