"""Decides for every painter what is drawn of each track, and how."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtdet.track_columns import drawn_values
from rtdet.types import BoolArray, FloatArray, Tracks
from rtdet.video.draw.colors import Color, color_of
from rtdet.video.draw.skeleton import Skeleton, skeleton
from rtdet.video.draw.style import DrawStyle
from rtdet.video.draw.trails import TrailStore

Box = tuple[float, float, float, float]

FAINTEST = 0.25
# A track that was last seen this long before the others, or this long ago, counts as missed.
_MISSED_S, _LONG_AGO_S = 0.1, 0.6
# So many corners of a trail look the same as hundreds and are painted several times faster.
_CORNERS = 12
_NO_TRAIL: FloatArray = np.zeros((0, 2))


@dataclass(frozen=True)
class Mark:
    """One track as it is drawn. box: xyxy, trail: (N, 2) points, oldest first, both in pixels of the source; label:
    its words, none where there is no label; skeleton: of a person whose key points are known."""

    box: Box
    color: Color
    opacity: float
    is_dashed: bool
    label: tuple[str, ...]
    trail: FloatArray
    skeleton: Skeleton | None = None


def marks_of(tracks: Tracks, style: DrawStyle, trails: TrailStore | None = None) -> list[Mark]:
    """The tracks in the order in which they are drawn: faint ones first, so that what was just seen lies on top.
    Boxes that are not finite are left out."""
    opacity, dashed = opacities(tracks, style.fade_s), missed(tracks)
    finite = np.asarray(np.isfinite(tracks.boxes).all(axis=1))
    boxes, ids, labels = tracks.boxes.tolist(), tracks.ids.tolist(), tracks.labels.tolist()
    shown = trails if style.show_trails and style.trail_s > 0 else None
    further = drawn_values(tracks) if style.show_labels else [[]] * len(tracks)
    marks = []
    for row in np.argsort(opacity, kind="stable").tolist():
        if finite[row]:
            # Without a tracker a box has the colour of its class.
            color = color_of(ids[row] if ids[row] > 0 else -labels[row])
            trail = shown.points(ids[row], _CORNERS) if shown is not None and ids[row] > 0 else _NO_TRAIL
            words = (*label_words(tracks, row, style), *further[row])
            bones = None if tracks.points is None else skeleton(tracks.points[row])
            box, dash = tuple(boxes[row]), bool(dashed[row])
            marks.append(Mark(box, color, float(opacity[row]), dash, words, trail, bones))
    return marks


def label_words(tracks: Tracks, row: int, style: DrawStyle) -> tuple[str, ...]:
    """The words of a track's label, as the style wants them: ("car #12", "0.50")."""
    track_id = int(tracks.ids[row])
    name = tracks.name_of(row) if style.show_labels else ""
    number = f"#{track_id}" if style.show_ids and track_id > 0 else ""
    score = f"{float(tracks.scores[row]):.2f}" if style.show_scores else ""
    return tuple(word for word in (f"{name} {number}".strip(), score) if word)


def label_text(words: tuple[str, ...]) -> str:
    return "  ".join(words)


def opacities(tracks: Tracks, fade_s: float) -> FloatArray:
    """(N,) 1 for a track that was just seen, falling to FAINTEST as its uncertainty nears 1 or as it was not seen
    for `fade_s` seconds, whichever comes first."""
    doubt = np.maximum(tracks.uncertainty, tracks.since_update_s / max(fade_s, 1e-6))
    faint: FloatArray = 1 - (1 - FAINTEST) * np.nan_to_num(doubt, nan=1.0).clip(0, 1)
    return faint


def missed(tracks: Tracks) -> BoolArray:
    """(N,) the tracks that the newest detections left out, or that a file says were not seen. The detector's own
    delay makes none of them."""
    since_s = tracks.since_update_s
    left_out = (since_s > since_s.min(initial=np.inf) + _MISSED_S) | (since_s > _LONG_AGO_S)
    seen = tracks.values.get("seen")
    return np.asarray(left_out if seen is None else left_out | ~seen.astype(bool))
