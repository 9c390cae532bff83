"""Decides whether images are the frames of a film or single pictures."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from rtdet.video.sources.image_files import read_header

_SAMPLED = 24  # files whose headers are looked at
_NUMBERS = re.compile(r"\d+")


def why_no_film(paths: Sequence[Path]) -> str | None:
    """The reason why the files, in their order, are single pictures; None where they look like a film's frames:
    one name with a number that rises by even steps, one size, not taken by a camera one by one."""
    if not _is_numbered(paths):
        return "their names are not one name with increasing numbers"
    headers = [read_header(path) for path in paths[:: max(1, len(paths) // _SAMPLED)]]
    known = [header for header in headers if header is not None]
    if len({(header.width, header.height) for header in known}) > 1:
        return "their sizes differ"
    taken = [header.taken_at for header in known if header.taken_at]
    if taken and len(set(taken)) > 0.5 * len(known) and len(paths) <= _SAMPLED * 2:
        return "they were taken at different times"
    return None


def _is_numbered(paths: Sequence[Path]) -> bool:
    split = [_NUMBERS.split(path.stem) for path in paths]
    numbers = [_NUMBERS.findall(path.stem) for path in paths]
    alike = {
        (path.parent, path.suffix.lower(), tuple(parts)) for path, parts in zip(paths, split, strict=True)
    }
    if len(alike) > 1 or not numbers[0]:
        return False
    rising = [column for column in zip(*numbers, strict=True) if len(set(column)) > 1]
    if len(rising) != 1:
        return False
    steps = Counter(int(b) - int(a) for a, b in pairwise(rising[0]))
    step, count = steps.most_common(1)[0]
    # A frame may be missing here and there.
    return step > 0 and 2 * count >= len(paths) - 1
