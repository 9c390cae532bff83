"""Measures a tracker: HOTA, CLEAR MOT and the ID measures.

truth = read_truth("MOT17-02/gt/gt.txt")                    # or TrackRows(frames, ids, boxes)
scores = score_tracks(truth, read_tracks("MOT17-02.txt"))
scores.hota, scores.mota, scores.idf1, scores.figures
"""

from __future__ import annotations

from rtdet.evaluation.tracking.files import read_tracks, read_truth
from rtdet.evaluation.tracking.rows import TrackRows, TruthRows
from rtdet.evaluation.tracking.scores import TrackingScores, combined
from rtdet.evaluation.tracking.scoring import score_tracks
from rtdet.evaluation.tracking.sequences import score_sequences

__all__ = [
    "TrackRows",
    "TrackingScores",
    "TruthRows",
    "combined",
    "read_tracks",
    "read_truth",
    "score_sequences",
    "score_tracks",
]
