"""A look at a file of PyTorch weights before torch, whose import takes seconds, unpacks it: archives that grow when
they are unpacked, and pickles of millions of objects."""

from __future__ import annotations

import pickletools
import zipfile
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import IO

from rtdet.errors import ModelError

# torch.save packs nothing: what an archive unpacks to is as long as the archive.
_MOST_GROWTH, _SLACK_BYTES = 4, 64 << 20
# A state dict has a hundred steps for each of a few thousand tensors.
_MOST_STEPS = 500_000
_LEGACY_PICKLES = 4  # of the old format: before its weights stand so many, one after the other


def refuse_hostile_pth(path: Path) -> None:
    """Raises ModelError. What is no such file is left to its reader."""
    try:
        if zipfile.is_zipfile(path):
            _look_at_archive(path)
        else:
            with path.open("rb") as file:
                _count_steps(path, chain.from_iterable(_legacy_steps(file)))
    except ModelError:
        raise
    except Exception:  # zipfile and pickletools raise whatever a damaged file makes them stumble over
        return


def _look_at_archive(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        files = archive.infolist()
        total = sum(file.file_size for file in files)
        if total > _MOST_GROWTH * path.stat().st_size + _SLACK_BYTES:
            raise ModelError(
                f"{path} unpacks from {_size(path.stat().st_size)} to {_size(total)}, which no file of PyTorch "
                "weights does: it is damaged, or made to fill the memory"
            )
        for file in files:
            if file.filename.endswith(".pkl"):
                with archive.open(file) as pickled:
                    _count_steps(path, pickletools.genops(pickled))


def _legacy_steps(file: IO[bytes]) -> Iterator[Iterator[object]]:
    for _ in range(_LEGACY_PICKLES):
        yield pickletools.genops(file)


def _count_steps(path: Path, steps: Iterator[object]) -> None:
    if next(islice(steps, _MOST_STEPS, None), None) is not None:
        raise ModelError(
            f"{path} lists over {_MOST_STEPS} objects, more than any model has weights: it is damaged, or made to "
            "fill the memory"
        )


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
