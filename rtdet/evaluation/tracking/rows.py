"""The input of scoring: rows of boxes with a frame and an ID, of the ground truth and of a tracker."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np

from rtdet.types import BoolArray, FloatArray, IntArray

_Rows = TypeVar("_Rows", bound="TrackRows")


@dataclass(frozen=True, eq=False)
class TrackRows:
    """One row for each object in each frame, in any order; they are kept in order of frame.

    frames (N,) int64; ids (N,) int64, each once a frame; boxes (N, 4) float64 xyxy pixels. Raises ValueError
    where the columns do not fit together, for a box that is not finite, and for an ID that is twice in a frame,
    which it names.
    """

    frames: IntArray
    ids: IntArray
    boxes: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "frames", np.asarray(self.frames, dtype=np.int64).reshape(-1))
        object.__setattr__(self, "ids", np.asarray(self.ids, dtype=np.int64).reshape(-1))
        object.__setattr__(self, "boxes", np.asarray(self.boxes, dtype=np.float64).reshape(-1, 4))
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        if len({len(column) for column in columns.values()}) > 1:
            raise ValueError("the columns of track rows must be equally long")
        if not np.isfinite(self.boxes).all():
            raise ValueError("the boxes of track rows must be finite")
        if (np.diff(self.frames) < 0).any():
            order = np.argsort(self.frames, kind="stable")
            for name, column in columns.items():
                object.__setattr__(self, name, column[order])
        self._refuse_an_id_twice()

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def last_frame(self) -> int:
        """The highest frame number; 0 without rows."""
        return int(self.frames[-1]) if len(self) else 0

    def only(self: _Rows, frames: Collection[int]) -> _Rows:
        """The rows of these frames."""
        kept = np.isin(self.frames, np.fromiter(frames, dtype=np.int64))
        return replace(self, **{field.name: getattr(self, field.name)[kept] for field in fields(self)})

    def _refuse_an_id_twice(self) -> None:
        order = np.lexsort((self.ids, self.frames))
        frames, ids = self.frames[order], self.ids[order]
        twice = np.flatnonzero((frames[1:] == frames[:-1]) & (ids[1:] == ids[:-1]))
        if len(twice):
            raise ValueError(f"frame {frames[twice[0]]}: the ID {ids[twice[0]]} appears twice")


@dataclass(frozen=True, eq=False)
class TruthRows(TrackRows):
    """Rows of the ground truth, of which some are there only for what a tracker may or may not find.

    is_scored (N,): the object is to be found; default: all are. is_distractor (N,): who finds it is neither right
    nor wrong; default: none is. All others are passed over, but a box that fits one of them best is not taken to be
    a distractor.
    """

    is_scored: BoolArray = None  # type: ignore[assignment]
    is_distractor: BoolArray = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        count = np.asarray(self.frames).size
        is_scored = np.ones(count) if self.is_scored is None else self.is_scored
        is_distractor = np.zeros(count) if self.is_distractor is None else self.is_distractor
        object.__setattr__(self, "is_scored", np.asarray(is_scored, dtype=np.bool_).reshape(-1))
        object.__setattr__(self, "is_distractor", np.asarray(is_distractor, dtype=np.bool_).reshape(-1))
        super().__post_init__()
