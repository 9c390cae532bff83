"""Key points of a person beside a box: 17 of COCO's, three numbers each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rtdet.types import FloatArray

PERSON = 17


def read_points(rows: npt.NDArray[np.float32], scale: tuple[int, int] | None) -> FloatArray | None:
    """(N, 17, 3) x, y and confidence from rows (N, 51), x and y times `scale` where it is given; None for rows of
    another length."""
    if rows.shape[1] != 3 * PERSON:
        return None
    points = rows.reshape(-1, PERSON, 3).astype(np.float64)
    if scale is not None:
        points[..., :2] *= np.array(scale)
    return points
