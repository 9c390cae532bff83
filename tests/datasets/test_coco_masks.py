"""COCO's masks in run-length encoding, against masks of pixels."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.datasets.coco_masks import box_around, counts_in


def _runs(mask) -> list[int]:
    """Column after column, zeros first."""
    lengths, value = [0], 0
    for pixel in mask.T.ravel().tolist():
        if pixel != value:
            lengths.append(0)
            value = pixel
        lengths[-1] += 1
    return lengths


def _text(lengths: list[int]) -> str:
    letters = []
    for i, length in enumerate(lengths):
        rest, more = length - (lengths[i - 2] if i > 2 else 0), True
        while more:
            bits, rest = rest & 31, rest >> 5
            more = rest != (-1 if bits & 16 else 0)
            letters.append(chr(48 + bits + 32 * more))
    return "".join(letters)


def test_the_box_is_that_of_the_pixels_for_both_ways_to_write_the_runs() -> None:
    random = np.random.default_rng(4)
    for _ in range(300):
        height, width = random.integers(1, 40, 2).tolist()
        mask = np.zeros((height, width), int)
        (top, bottom), (left, right) = (sorted(random.integers(0, n + 1, 2)) for n in mask.shape)
        mask[top:bottom, left:right] = random.random((bottom - top, right - left)) > random.random()
        y, x = np.nonzero(mask)
        box = [x.min(), y.min(), x.max() - x.min() + 1, y.max() - y.min() + 1] if len(x) else None
        runs = _runs(mask)
        assert counts_in(_text(runs)) == runs
        for counts in (runs, _text(runs)):
            assert box_around({"size": [height, width], "counts": counts}) == box


def test_a_mask_of_pycocotools_is_read() -> None:
    text = "l039000\\1"  # what it makes of a square of 3x3 pixels
    assert counts_in(text) == [28, 3, 9, 3, 9, 3, 53]
    assert box_around({"size": [12, 9], "counts": text}) == [2, 4, 3, 3]


@pytest.mark.parametrize(
    "segmentation",
    [
        {}, {"size": [10, 10]}, {"size": [10], "counts": [1, 2]}, {"size": [0, 10], "counts": [1]},
        {"size": [10, 10], "counts": [50, 60]}, {"size": [10, 10], "counts": [5, -2]},
        {"size": [10, 10], "counts": "é"}, {"size": [10, 10], "counts": "\x00"}, 
        {"size": [10, 10], "counts": "oooooooo" * 9},
        {"size": [10, 10], "counts": [100]}, {"size": [10, 10], "counts": []}, {"size": ["a", 1], "counts": "1"},
        None, 3, [], [[1, 2]],
    ],
)  # fmt: skip
def test_what_is_no_mask_has_no_box(segmentation) -> None:
    assert box_around(segmentation) is None
