"""The box around COCO's `segmentation`: polygons, or a mask in run-length encoding.

The encoding is that of the COCO API's documentation (cocodataset.org/#format-data, `maskApi`): a mask of height x
width pixels, column after column, as the lengths of runs of zeros and ones in turn, zeros first. `counts` lists the
lengths, or is a text of them: five bits a character from '0' on, the lowest first, the sixth bit saying that more
follow, in two's complement; from the fourth length on as the difference to the one before the last.
"""

from __future__ import annotations

from itertools import accumulate, pairwise

_BITS, _VALUE, _MORE, _SIGN, _ZERO = 5, 0x1F, 0x20, 0x10, 48
_MOST_PIXELS = 2**40  # no mask has more; a text may say anything


def box_around(segmentation: object) -> list[float] | None:
    """[left, top, width, height] in pixels; None for what is neither polygons nor a mask, and for an empty one."""
    if isinstance(segmentation, dict):
        return _box_around_mask(segmentation.get("size"), segmentation.get("counts"))
    if not isinstance(segmentation, list) or not all(isinstance(polygon, list) for polygon in segmentation):
        return None
    values = [value for polygon in segmentation for value in polygon[: len(polygon) // 2 * 2]]
    if len(values) < 4 or not all(type(value) in (int, float) for value in values):
        return None
    x, y = values[::2], values[1::2]
    return [min(x), min(y), max(x) - min(x), max(y) - min(y)]


def _box_around_mask(size: object, counts: object) -> list[float] | None:
    if (
        not isinstance(size, list)
        or len(size) != 2
        or not all(type(side) is int and side > 0 for side in size)
    ):
        return None
    lengths = counts_in(counts) if isinstance(counts, str) else counts
    if not isinstance(lengths, list) or not all(type(length) is int and length >= 0 for length in lengths):
        return None
    height, width = size
    ends = [0, *accumulate(lengths)]
    if ends[-1] > min(height * width, _MOST_PIXELS):
        return None
    ones = [(start, end) for start, end in list(pairwise(ends))[1::2] if end > start]
    if not ones:
        return None
    columns = [(start // height, (end - 1) // height) for start, end in ones]
    left, right = columns[0][0], columns[-1][1]
    if any(first < last for first, last in columns):  # goes on at the top of the next column
        top, bottom = 0, height - 1
    else:
        top = min(start % height for start, _ in ones)
        bottom = max((end - 1) % height for _, end in ones)
    return [float(left), float(top), float(right - left + 1), float(bottom - top + 1)]


def counts_in(text: str) -> list[int] | None:
    """The lengths of the runs that a text says; None where it is none."""
    lengths: list[int] = []
    value = shift = 0
    for letter in text:
        bits = ord(letter) - _ZERO
        if not 0 <= bits < 2 * _MORE or shift > 60:
            return None
        value |= (bits & _VALUE) << shift
        shift += _BITS
        if bits & _MORE:
            continue
        if bits & _SIGN:
            value -= 1 << shift
        lengths.append(value + lengths[-2] if len(lengths) > 2 else value)
        value = shift = 0
    return lengths if shift == 0 else None
