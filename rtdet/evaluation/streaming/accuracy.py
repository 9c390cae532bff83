"""The accuracy of the picture on screen as a function of how late results come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from rtdet.evaluation.streaming.replay import SHOW, replay
from rtdet.evaluation.tracking import TrackingScores, TrackRows, TruthRows, score_tracks
from rtdet.geometry.boxes import ltwh_to_xyxy, xyxy_to_ltwh
from rtdet.protocols import Tracker
from rtdet.tracks.motchallenge import DetectionRows
from rtdet.types import Tracks

# Milliseconds: what detectors take, from none at all to one on a slow machine.
LATENCIES_MS = (0, 33, 67, 100, 150, 200, 300, 400, 500)


def shown_rows(shown: Iterable[Tracks]) -> TrackRows:
    """What was on screen in the frames 1, 2, 3 ..., for scoring: the tracks of the first class, with the
    two decimals of a track file."""
    rows = [
        (frame, tracks[(tracks.labels == 0) & np.isfinite(tracks.boxes).all(axis=1)])
        for frame, tracks in enumerate(shown, start=1)
    ]
    return TrackRows(
        np.repeat([frame for frame, _ in rows], [len(tracks) for _, tracks in rows]),
        np.concatenate([tracks.ids for _, tracks in rows]),
        ltwh_to_xyxy(np.round(xyxy_to_ltwh(np.concatenate([tracks.boxes for _, tracks in rows])), 2)),
    )


def accuracy_by_latency(
    new_tracker: Callable[[], Tracker],
    rows: DetectionRows,
    truth: TruthRows,
    *,
    fps: float,
    latencies_ms: Sequence[float] = LATENCIES_MS,
) -> dict[str, list[TrackingScores]]:
    """The scores at each latency, for "predict" and for "hold"."""
    frames = max(rows.last_frame, truth.last_frame)

    def scores(latency_s: float, show: str) -> TrackingScores:
        shown = replay(new_tracker(), rows, fps=fps, frames=frames, latency=lambda: latency_s, show=show)
        return score_tracks(truth, shown_rows(shown), frames)

    return {show: [scores(ms / 1e3, show) for ms in latencies_ms] for show in SHOW}
