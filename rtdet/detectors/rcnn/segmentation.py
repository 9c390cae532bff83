"""Segmentation by graph cuts that adapt to the picture (Felzenszwalb and Huttenlocher, IJCV 2004): the small regions
that selective search starts from."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from rtdet.types import Image

Segments = npt.NDArray[np.int64]


def segment(image: Image, scale: float, smoothing: float = 0.8, least_pixels: int = 20) -> Segments:
    """(H, W): the number of the segment that each pixel of a picture (H, W, C) belongs to, from 0.

    Pixels are the nodes of a graph, joined with their eight neighbours by edges as heavy as their colours differ. By
    rising weight an edge joins two components if it is no heavier than the heaviest edge within either, plus scale
    divided by the component's pixels: in a lively region more is tolerated than in a plain one. A larger `scale`
    makes larger segments. smoothing: sigma of the blur before that. Segments of fewer than `least_pixels` are joined
    to a neighbour.
    """
    height, width = image.shape[:2]
    weight, start, end = _edges(image, smoothing)
    parent = _joined_where_alike(height * width, weight.tolist(), start.tolist(), end.tolist(), scale)
    root = _roots(parent)
    # Within a component there is nothing left to join.
    between = np.flatnonzero(root[start] != root[end])
    pixels = np.bincount(root, minlength=len(root)).tolist()
    parent = root.tolist()
    for first, second in zip(start[between].tolist(), end[between].tolist(), strict=True):
        a, b = _root(parent, first), _root(parent, second)
        if a != b and (pixels[a] < least_pixels or pixels[b] < least_pixels):
            a, b = (b, a) if pixels[a] < pixels[b] else (a, b)
            parent[b] = a
            pixels[a] += pixels[b]
    roots = _roots(parent)
    return np.unique(roots, return_inverse=True)[1].reshape(height, width).astype(np.int64)


def _joined_where_alike(
    count: int, weight: Sequence[float], start: Sequence[int], end: Sequence[int], scale: float
) -> list[int]:
    """Of each of `count` pixels another one of its component, or itself, by edges of rising weight."""
    parent = list(range(count))
    pixels = [1] * count
    # What the next edge may weigh: the heaviest one within, which is the last one that joined, plus the tolerance.
    tolerance = [float(scale)] * count
    for heavy, a, b in zip(weight, start, end, strict=True):
        # `_root` of both, written out: this is most of a search's time.
        while (above := parent[a]) != a:
            parent[a] = a = parent[above]
        while (above := parent[b]) != b:
            parent[b] = b = parent[above]
        if a != b and heavy <= tolerance[a] and heavy <= tolerance[b]:
            if pixels[a] < pixels[b]:
                a, b = b, a
            parent[b] = a
            pixels[a] += pixels[b]
            tolerance[a] = heavy + scale / pixels[a]
    return parent


def _root(parent: list[int], node: int) -> int:
    """The one pixel that stands for a pixel's component."""
    while (above := parent[node]) != node:
        parent[node] = node = parent[above]
    return node


def _roots(parent: Sequence[int]) -> Segments:
    """`_root` of every pixel."""
    found = np.asarray(parent, dtype=np.int64)
    while (further := found[found]).tobytes() != found.tobytes():
        found = further
    return found


def _edges(image: Image, smoothing: float) -> tuple[npt.NDArray[np.float32], Segments, Segments]:
    """By rising weight: weights, and the pixels at both ends."""
    height, width = image.shape[:2]
    smooth = (
        cv2.GaussianBlur(image.astype(np.float32), (0, 0), smoothing)
        if smoothing
        else image.astype(np.float32)
    )
    smooth = smooth.reshape(height, width, -1)
    number = np.arange(height * width).reshape(height, width)
    parts = []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        rows, others = slice(0, height - down), slice(down, height)
        left = slice(max(0, -right), width - max(0, right))
        moved = slice(max(0, right), width - max(0, -right))
        apart = smooth[rows, left] - smooth[others, moved]
        weight = np.sqrt((apart**2).sum(-1))
        parts.append((weight.ravel(), number[rows, left].ravel(), number[others, moved].ravel()))
    weight, start, end = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.argsort(weight, kind="stable")
    return weight[order], start[order], end[order]
