"""Where boxes stand on the ground, and how sure that is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rtdet.ground.scale import Ground, Size
from rtdet.types import BoolArray, FloatArray, IntArray

# Assumed standard deviation of a box's side, in sizes of the box (square root of its area), and at least in pixels.
# The filters find out how much it really is.
SIDE_NOISE, LEAST_NOISE_PX = 0.02, 0.3
# Where the noise takes a point this part of the way to the horizon, its place on the ground is anybody's guess.
MOST_HORIZON_ERROR = 0.1
# A box this near to the picture's border, in its own width and height and at least in pixels, may be cut off
# there: a detector rarely draws its box right up to the border.
_BORDER, _BORDER_PX = 0.12, 2.0


class Places(NamedTuple):
    """places (N, 2) in metres, and roots (N, 2, 2) of their covariances: root times root transposed. Both count where
    `usable` (N,)."""

    places: FloatArray
    roots: FloatArray
    usable: BoolArray

    def taken(self, rows: IntArray) -> Places:
        return Places(self.places[rows], self.roots[rows], self.usable[rows])


def places_of(ground: Ground, boxes: FloatArray) -> Places:
    """Where the boxes (N, 4) stand. What is at the horizon or above it, and what the picture's border cuts off, has
    no place: nobody sees where it stands.

    The noise is the covariance of the pixel, carried to the ground by the homography's Jacobian J: J C J^T.
    """
    pixels, sd = ground.feet(boxes), _noise(ground, boxes)
    metres, jacobians = ground.metres(pixels), ground.jacobians(pixels)
    roots = jacobians * sd[:, None, :]
    usable = (
        np.isfinite(metres).all(axis=1)
        & np.isfinite(roots).all(axis=(1, 2))
        & (np.abs(metres) < 1e7).all(axis=1)
        & (ground.horizon_error(pixels, sd) < MOST_HORIZON_ERROR)
    )
    if ground.size is not None:
        usable &= ~_is_cut(boxes, ground.size, ground.point)
    return Places(
        np.where(usable[:, None], metres, 0),
        np.where(usable[:, None, None], roots, np.eye(2)),
        np.asarray(usable),
    )


def _noise(ground: Ground, boxes: FloatArray) -> FloatArray:
    """(N, 2) assumed standard deviation of the pixel in x and y; a mean of two sides has less than one side."""
    width, height = (boxes[:, 2] - boxes[:, 0]).clip(1), (boxes[:, 3] - boxes[:, 1]).clip(1)
    side = np.maximum(SIDE_NOISE * np.sqrt(width * height), LEAST_NOISE_PX)
    return np.column_stack([side / 2**0.5, side if ground.point == "feet" else side / 2**0.5])


def _is_cut(boxes: FloatArray, size: Size, point: str) -> BoolArray:
    left, top, right, bottom = boxes.T
    across = np.maximum(_BORDER_PX, _BORDER * (right - left))
    down = np.maximum(_BORDER_PX, _BORDER / 4 * (bottom - top))
    is_cut = (left <= across) | (right >= size[0] - across) | (bottom >= size[1] - down)
    return np.asarray(is_cut | (top <= down) if point == "center" else is_cut)
