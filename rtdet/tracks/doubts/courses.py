"""What a track's own course gives away: gaps, jumps, a class that changes, a score that falls."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rtdet.tracks.doubts.finding import Signs
from rtdet.tracks.doubts.rows import CourseRows

# A track that was not seen for so long may be another object's when it is seen again.
GAP_S = 0.5
# How far a track comes from where it was heading, in sizes of its box, before it is a jump.
JUMP = 0.5
# A score that is lower than the track's usual one by this much of it.
FALL = 0.5
# The most that each counts for.
MOST_GAP, MOST_JUMP, MOST_CLASS, MOST_SCORE = 0.4, 0.5, 0.5, 0.3


def courses(rows: CourseRows) -> Iterator[Signs]:
    """Gaps, jumps, changes of class, and falls of the score, in each track by itself."""
    yield _gaps(rows)
    yield _jumps(rows)
    yield _class_changes(rows)
    yield _falls(rows)


def _gaps(rows: CourseRows) -> Signs:
    """Rows that were seen after a while in which the track was not."""
    seen = rows.by_track[rows.seen[rows.by_track]]
    ids = rows.table.ids[seen]
    waited_s = np.diff(rows.seconds[seen], prepend=np.inf)
    is_gap = (np.diff(ids, prepend=-1) == 0) & (waited_s >= GAP_S)
    waited_s = np.where(is_gap, waited_s, 0)
    return Signs.of("gap", seen, MOST_GAP * waited_s / (waited_s + 1), waited_s)


def _jumps(rows: CourseRows) -> Signs:
    """Rows far from where the track was heading."""
    table = rows.table
    size = np.minimum(rows.sizes, rows.sizes[rows.before])
    predicted = (rows.predicted[:, :2] + rows.predicted[:, 2:]) / 2
    away = np.hypot(*(rows.centers - predicted).T) / size
    is_jump = (away >= JUMP) & (rows.before != np.arange(len(table)))
    return Signs.of("jump", np.arange(len(table)), np.where(is_jump, MOST_JUMP * away / (away + 1), 0), away)


def _class_changes(rows: CourseRows) -> Signs:
    """Rows of another class than the row before; `x` and `y` are the two labels."""
    labels = rows.table.labels
    changes = labels != labels[rows.before]
    return Signs.of(
        "class",
        np.arange(len(labels)),
        MOST_CLASS * changes,
        labels[rows.before].astype(float),
        labels.astype(float),
    )


def _falls(rows: CourseRows) -> Signs:
    """The lowest score of each track that falls far below its usual one, the mean of what was seen."""
    order = rows.by_track[rows.seen[rows.by_track]]
    scores, starts = rows.table.scores[order], np.flatnonzero(np.diff(rows.table.ids[order], prepend=-1))
    if len(starts) == 0:
        return Signs.of("score", np.zeros(0, dtype=np.int64), np.zeros(0))
    counts = np.diff(np.append(starts, len(order)))
    usual = np.add.reduceat(scores, starts) / counts
    by_score = np.lexsort((scores, np.repeat(np.arange(len(starts)), counts)))
    lowest = by_score[starts]
    fall = 1 - scores[lowest] / np.maximum(usual, 1e-9)
    return Signs.of(
        "score", order[lowest], np.where(fall >= FALL, MOST_SCORE * fall, 0), scores[lowest], usual
    )
