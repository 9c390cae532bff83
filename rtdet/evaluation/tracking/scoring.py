"""Scores the tracks of one sequence against its ground truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rtdet.evaluation.tracking.clear import LEAST_IOU, clear_scores
from rtdet.evaluation.tracking.encounters import Encounters
from rtdet.evaluation.tracking.hota import hota_scores
from rtdet.evaluation.tracking.identity import identity_matches
from rtdet.evaluation.tracking.matching import heaviest_matching
from rtdet.evaluation.tracking.overlaps import Overlaps, find_overlaps
from rtdet.evaluation.tracking.rows import TrackRows, TruthRows
from rtdet.evaluation.tracking.scores import TrackingScores


def score_tracks(truth: TrackRows, tracks: TrackRows, frame_count: int | None = None) -> TrackingScores:
    """HOTA, CLEAR MOT and the ID measures of `tracks`. A TruthRows may say which rows are not scored.

    frame_count: the length of the sequence, which is only reported; default: the last frame that has rows.
    What the papers leave open (tolerances, which of two equal matchings is taken) is as TrackEval has it.
    """
    overlaps = find_overlaps(truth, tracks)
    if isinstance(truth, TruthRows):
        overlaps = considered(truth, overlaps)
    truth_ids, truth_places = np.unique(overlaps.truth_ids, return_inverse=True)
    track_ids, track_places = np.unique(overlaps.track_ids, return_inverse=True)
    overlaps = replace(overlaps, truth_ids=truth_places, track_ids=track_places)
    encounters = Encounters.of(overlaps)
    return TrackingScores(
        frames=max(truth.last_frame, tracks.last_frame) if frame_count is None else frame_count,
        truth_boxes=len(truth_places),
        truth_ids=len(truth_ids),
        track_boxes=len(track_places),
        track_ids=len(track_ids),
        idtp=identity_matches(overlaps, encounters),
        **clear_scores(overlaps),
        **hota_scores(overlaps, encounters),
    )


def considered(truth: TruthRows, overlaps: Overlaps) -> Overlaps:
    """Without the rows of the truth that are not scored, and without the boxes that match a distractor.

    Milan et al., "MOT16: A Benchmark for Multi-Object Tracking", 2016, arXiv 1603.00831, section 4.1: boxes are
    matched with all rows of the truth, scored or not, by overlap of at least .5.
    """
    kept = np.ones(len(overlaps.track_ids), dtype=bool)
    if truth.is_distractor.any():
        pairs = np.flatnonzero(overlaps.iou >= LEAST_IOU - np.finfo(np.float64).eps)
        is_distractor = truth.is_distractor[overlaps.rows[pairs]]
        on_distractor = heaviest_matching(overlaps, pairs, overlaps.iou[pairs], is_distractor)
        kept[overlaps.columns[on_distractor]] = False
    return overlaps.only(truth.is_scored, kept)
