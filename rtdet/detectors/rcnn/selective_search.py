"""Selective search (Uijlings, van de Sande, Gevers and Smeulders, IJCV 2013): where in a picture objects may be,
whatever they are. Free of torch."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rtdet.detectors.rcnn.segmentation import Segments, segment
from rtdet.types import FloatArray, Image

_SPACES = {"hsv": cv2.COLOR_BGR2HSV, "lab": cv2.COLOR_BGR2LAB, "rgb": cv2.COLOR_BGR2RGB}
# Section 3.2: 25 bins of each colour channel; of texture 8 directions with 10 bins for each channel.
_COLOR_BINS, _DIRECTIONS, _TEXTURE_BINS = 25, 8, 10
Floats = npt.NDArray[np.float64]


def selective_search(
    image: Image,
    *,
    side: int = 500,
    spaces: Sequence[str] = ("hsv", "lab"),
    scales: Sequence[float] = (50.0, 100.0),
    most: int = 2000,
    least_side: float = 0.0,
    smoothing: float = 0.8,
    least_pixels: int = 20,
    seed: int = 0,
) -> FloatArray:
    """At most `most` boxes (N, 4) xyxy of a picture (H, W, 3) BGR in which something may be, likelier ones first.

    The picture, shrunk to `side` pixels on its longer side, is cut into segments in each of the colour spaces and at
    each of the scales (the paper's "fast" has these two of both), and each time the two most similar neighbours
    become one, until all is one: every segment on the way is a box. A box counts by how late it came, times a random
    number (section 4.2); seed: of these. Boxes with a side below `least_side` pixels are left out.
    smoothing, least_pixels: see segmentation.segment; less of both finds smaller things.
    """
    height, width = image.shape[:2]
    shrink = min(1.0, side / max(height, width))
    small = cv2.resize(
        image, (max(2, round(width * shrink)), max(2, round(height * shrink))), interpolation=cv2.INTER_AREA
    )
    rng = np.random.default_rng(seed)
    boxes, ranks = [], []
    for space in spaces:
        converted = np.asarray(cv2.cvtColor(small, _SPACES[space]), dtype=np.uint8)
        for scale in scales:
            grouped = group(converted, segment(converted, scale, smoothing, least_pixels))
            boxes.append(grouped)
            ranks.append(np.arange(len(grouped), 0, -1) * rng.random(len(grouped)))
    every, rank = np.concatenate(boxes), np.concatenate(ranks)
    every = every[np.argsort(rank, kind="stable")]
    every = every[np.sort(np.unique(every, axis=0, return_index=True)[1])]
    back = [width / small.shape[1], height / small.shape[0]] * 2
    found = np.asarray(every * back, dtype=np.float64)
    large = (found[:, 2:] - found[:, :2]).min(1) >= least_side
    chosen: FloatArray = found[large][:most]
    return chosen


def group(image: Image, segments: Segments) -> Floats:
    """Boxes (2 R - 1, 4) xyxy of R segments (H, W) of a picture (H, W, 3) and of all that they are joined to, in that
    order; fewer where the segments are one already."""
    regions = _Regions(image, segments)
    count = int(segments.max()) + 1
    near = _neighbors(segments, count)
    # The most similar pair is on top. A region that was joined to another is gone, and so are its pairs.
    pairs: list[tuple[float, int, int]] = []

    def compare(one: int, others: Collection[int]) -> None:
        rows = np.fromiter(others, dtype=np.int64, count=len(others))
        for value, other in zip(regions.likeness(one, rows).tolist(), rows.tolist(), strict=True):
            heapq.heappush(pairs, (-value, one, other))

    for one in range(count):
        compare(one, sorted(other for other in near[one] if other > one))
    new = count
    while pairs:
        _, a, b = heapq.heappop(pairs)
        if a not in near or b not in near:
            continue
        regions.join(a, b, new)
        touched = (near.pop(a) | near.pop(b)) - {a, b}
        for other in touched:
            near[other] = (near[other] - {a, b}) | {new}
        near[new] = touched
        compare(new, sorted(touched))
        new += 1
    return regions.boxes[:new]


class _Regions:
    """What is known of segments 0 .. R - 1 and, behind them, of those that they become."""

    def __init__(self, image: Image, segments: Segments) -> None:
        count = int(segments.max()) + 1
        flat = segments.ravel()
        self.area = float(flat.size)
        room = (2 * count - 1,)
        self.pixels = np.zeros(room)
        self.pixels[:count] = np.bincount(flat, minlength=count)
        self.boxes = np.zeros((*room, 4))
        rows, columns = np.indices(segments.shape)
        low = np.full((count, 2), np.inf)
        high = np.zeros((count, 2))
        np.minimum.at(low, flat, np.stack([columns.ravel(), rows.ravel()], 1))
        np.maximum.at(high, flat, np.stack([columns.ravel(), rows.ravel()], 1) + 1)
        self.boxes[:count] = np.concatenate([low, high], 1)
        self.color = _shares(_histograms(_color_bins(image), flat, count, _COLOR_BINS), room)
        self.texture = _shares(_histograms(_texture_bins(image), flat, count, _TEXTURE_BINS), room)

    def likeness(self, one: int, others: npt.NDArray[Any]) -> Floats:
        """(N,): colour + texture + size + fill (equations 2, 4, 5 and 6), each in 0..1, of one region and others."""
        color = np.minimum(self.color[one], self.color[others]).sum(1)
        texture = np.minimum(self.texture[one], self.texture[others]).sum(1)
        pixels = self.pixels[one] + self.pixels[others]
        low = np.minimum(self.boxes[one, :2], self.boxes[others, :2])
        high = np.maximum(self.boxes[one, 2:], self.boxes[others, 2:])
        around = (high - low).prod(1)
        found: Floats = color + texture + (1 - pixels / self.area) + (1 - (around - pixels) / self.area)
        return found

    def join(self, a: int, b: int, new: int) -> None:
        """Histograms are averaged by size, so no pixel is looked at again (equation 3)."""
        self.pixels[new] = self.pixels[a] + self.pixels[b]
        for shares in (self.color, self.texture):
            shares[new] = (self.pixels[a] * shares[a] + self.pixels[b] * shares[b]) / self.pixels[new]
        self.boxes[new, :2] = np.minimum(self.boxes[a, :2], self.boxes[b, :2])
        self.boxes[new, 2:] = np.maximum(self.boxes[a, 2:], self.boxes[b, 2:])


def _color_bins(image: Image) -> npt.NDArray[Any]:
    """(3, H * W): the bin of each channel."""
    return (image.reshape(-1, 3).T.astype(np.int64) * _COLOR_BINS) // 256


def _texture_bins(image: Image) -> npt.NDArray[Any]:
    """(24, H * W): the bin of the slope of each channel in each of 8 directions, of a Gaussian of sigma 1."""
    bins = []
    for channel in cv2.split(cv2.GaussianBlur(image.astype(np.float32), (0, 0), 1.0)):
        across = cv2.Sobel(channel, cv2.CV_32F, 1, 0, scale=1 / 8)
        down = cv2.Sobel(channel, cv2.CV_32F, 0, 1, scale=1 / 8)
        for step in range(_DIRECTIONS):
            angle = 2 * np.pi * step / _DIRECTIONS
            slope = (np.cos(angle) * across + np.sin(angle) * down).ravel()
            # Slopes up to a sixteenth of the range fill the bins; steeper ones are in the outermost.
            bins.append(np.clip(np.floor((slope / 32 + 0.5) * _TEXTURE_BINS), 0, _TEXTURE_BINS - 1))
    return np.stack(bins).astype(np.int64)


def _histograms(bins: npt.NDArray[Any], flat: npt.NDArray[Any], count: int, size: int) -> Floats:
    """(count, channels * size): how many pixels of each segment are in each bin."""
    parts = [
        np.bincount(flat * size + channel, minlength=count * size).reshape(count, size) for channel in bins
    ]
    return np.concatenate(parts, 1).astype(np.float64)


def _shares(histograms: Floats, room: tuple[int]) -> Floats:
    """Each histogram divided by its sum, with room for the regions to come."""
    shares = np.zeros((*room, histograms.shape[1]))
    shares[: len(histograms)] = histograms / histograms.sum(1, keepdims=True)
    return shares


def _neighbors(segments: Segments, count: int) -> dict[int, set[int]]:
    """Of each segment those that touch it."""
    sides = [
        np.stack([segments[:, :-1].ravel(), segments[:, 1:].ravel()], 1),
        np.stack([segments[:-1].ravel(), segments[1:].ravel()], 1),
    ]
    every = np.concatenate(sides)
    every = np.unique(every[every[:, 0] != every[:, 1]], axis=0)
    near: dict[int, set[int]] = {one: set() for one in range(count)}
    for a, b in every.tolist():
        near[a].add(b)
        near[b].add(a)
    return near


@lru_cache(maxsize=256)
def searched(
    pixels: bytes,
    height: int,
    width: int,
    side: int,
    spaces: tuple[str, ...],
    scales: tuple[float, ...],
    most: int,
    least_side: float,
    smoothing: float,
    least_pixels: int,
) -> npt.NDArray[np.float32]:
    """`selective_search` of a picture's pixels as (most, 4), filled up with rows of zeros. The last pictures are
    remembered: a validation looks at the same ones again and again, and a search takes longer than a network."""
    image = np.frombuffer(pixels, dtype=np.uint8).reshape(height, width, 3)
    found = selective_search(
        image, side=side, spaces=spaces, scales=scales, most=most, least_side=least_side, smoothing=smoothing,
        least_pixels=least_pixels,
    )  # fmt: skip
    filled = np.zeros((most, 4), dtype=np.float32)
    filled[: len(found)] = found
    return filled
