"""Segmentation by graph cuts that adapt to the picture (Felzenszwalb and Huttenlocher, IJCV 2004): the small regions
that selective search starts from."""

from __future__ import annotations

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
    parent = list(range(height * width))
    pixels = [1] * (height * width)
    # What the next edge may weigh: the heaviest one within, which is the last one that joined, plus the tolerance.
    tolerance = [float(scale)] * (height * width)

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    def join(a: int, b: int, heaviest: float) -> None:
        if pixels[a] < pixels[b]:
            a, b = b, a
        parent[b] = a
        pixels[a] += pixels[b]
        tolerance[a] = heaviest + scale / pixels[a]

    for heavy, first, second in zip(weight, start, end, strict=True):
        a, b = root(first), root(second)
        if a != b and heavy <= tolerance[a] and heavy <= tolerance[b]:
            join(a, b, heavy)
    for heavy, first, second in zip(weight, start, end, strict=True):
        a, b = root(first), root(second)
        if a != b and (pixels[a] < least_pixels or pixels[b] < least_pixels):
            join(a, b, heavy)
    roots = np.array([root(node) for node in range(height * width)])
    return np.unique(roots, return_inverse=True)[1].reshape(height, width).astype(np.int64)


def _edges(image: Image, smoothing: float) -> tuple[list[float], list[int], list[int]]:
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
    return weight[order].tolist(), start[order].tolist(), end[order].tolist()
