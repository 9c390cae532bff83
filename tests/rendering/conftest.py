from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from rtdet.tracks.table import FrameList, TrackTable

Row = tuple[int, int, tuple[float, float, float, float]]


@pytest.fixture
def table() -> Callable[..., TrackTable]:
    """Makes a table of rows (frame, ID, box) at 10 frames a second, all of the class person unless `labels` says
    else; `seen` and `scores` are by row."""

    def make(
        rows: Sequence[Row],
        *,
        labels: Sequence[int] | None = None,
        names: tuple[str, ...] = ("person", "car"),
        seen: Sequence[bool] | None = None,
        sizes: tuple[int, int] | None = None,
    ) -> TrackTable:
        order = sorted(range(len(rows)), key=lambda at: rows[at][0])
        frames = np.array([rows[at][0] for at in order], np.int64)
        numbers = np.unique(frames)
        listed = FrameList(
            numbers, (numbers - 1) / 10, sizes=None if sizes is None else np.tile(sizes, (len(numbers), 1))
        )
        return TrackTable(
            frames,
            np.array([rows[at][1] for at in order]),
            np.array([rows[at][2] for at in order]).reshape(-1, 4),
            np.full(len(rows), 0.9),
            np.array([0 if labels is None else labels[at] for at in order]),
            listed,
            names,
            {} if seen is None else {"seen": np.array([seen[at] for at in order])},
        )

    return make
