"""A data set divided into train, val and test, (nearly) the same pictures kept in one part.

A test on what was trained on measures memory, not sight; and frames of one scene are nearly the same picture.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rtdet.datasets.convert import (
    WRITERS,
    Conversion,
    check_empty,
    class_names_of,
    one_each,
    say_losses_of,
    write_datasets,
)
from rtdet.datasets.faults import UNREADABLE, Finding
from rtdet.datasets.formats import dataset_of
from rtdet.datasets.losses import losses_in
from rtdet.datasets.near_duplicates import Fingerprint, duplicate_groups, fingerprint
from rtdet.datasets.raw import RawLabels
from rtdet.datasets.sample import Dataset, Sample, read_picture
from rtdet.datasets.sizes import without_missing
from rtdet.errors import UsageError


@dataclass(frozen=True)
class Division:
    """pictures, objects: of each part. grouped: how many pictures are (nearly) the same as another. written: as of a
    conversion."""

    pictures: dict[str, int]
    objects: dict[str, int]
    grouped: int
    written: Conversion


def split_parts(
    parts: Mapping[str, RawLabels],
    shares: Mapping[str, float],
    out: Path,
    *,
    kind: str | None = None,
    seed: int = 0,
    link: bool = False,
    allow_loss: bool = False,
    on_picture: Callable[[], None] = lambda: None,
) -> Division:
    """Writes the pictures of all `parts` of a data set, divided anew by `shares` (part: share above 0 of the
    pictures), into `out`.

    kind: a key of WRITERS; None for the set's own, or COCO where that cannot be written. seed: the same gives the
    same parts. on_picture is called after each picture that was looked at. Pictures that cannot be decoded are left
    out and counted. Raises UsageError for too few pictures that differ and as `convert` does, OutputError for what
    cannot be written.
    """
    names = class_names_of(parts)
    own = next(raw.kind for raw in parts.values())
    kind = kind or (own if own in WRITERS else "coco")  # annotation tools' own formats are read only
    if kind not in WRITERS:
        raise UsageError(f"{kind} is not one of {', '.join(WRITERS)}")
    check_empty(out)
    datasets = {part: dataset_of(without_missing(raw), names) for part, raw in parts.items()}
    looked = {part: _looked_at(dataset, on_picture) for part, dataset in datasets.items()}
    say_losses_of({part: dataset for part, (dataset, _) in looked.items()}, allow=allow_loss)
    prints = {path: one for _, found in looked.values() for path, one in found.items()}
    samples = one_each([sample for dataset, _ in looked.values() for sample in dataset.samples])
    groups = duplicate_groups([prints[sample.path] for sample in samples])
    folder = next(iter(datasets.values())).folder
    divided = {
        part: Dataset(folder, names, [samples[place] for place in sorted(places)])
        for part, places in divide(groups, shares, seed).items()
    }
    written = write_datasets(divided, kind, out, link=link)
    return Division(
        {part: len(dataset) for part, dataset in divided.items()},
        {part: sum(map(_objects, dataset.samples)) for part, dataset in divided.items()},
        sum(len(group) for group in groups if len(group) > 1),
        written,
    )


def divide(groups: Sequence[Sequence[int]], shares: Mapping[str, float], seed: int) -> dict[str, list[int]]:
    """The places of each part. Groups, large ones first and else at random, go whole to the part that lacks most.

    Raises UsageError where there are fewer groups than parts.
    """
    if len(groups) < len(shares):
        raise UsageError(
            f"{len(groups)} pictures that are not nearly the same cannot be divided into {len(shares)} parts"
        )
    count = sum(map(len, groups))
    total = sum(shares.values())
    lacking = {part: max(share / total * count, 1.0) for part, share in shares.items()}
    places: dict[str, list[int]] = {part: [] for part in shares}
    order = np.random.default_rng(seed).permutation(len(groups)).tolist()
    order.sort(key=lambda i: -len(groups[i]))  # stable
    for done, i in enumerate(order):
        empty = [part for part in shares if not places[part]]
        # The last groups are for parts that have nothing yet.
        candidates = empty if len(order) - done <= len(empty) else list(shares)
        part = max(candidates, key=lacking.__getitem__)
        places[part] += groups[i]
        lacking[part] -= len(groups[i])
    return places


def _looked_at(dataset: Dataset, on_picture: Callable[[], None]) -> tuple[Dataset, dict[Path, Fingerprint]]:
    """The data set without the pictures that cannot be decoded, and the fingerprints of the others."""
    prints: dict[Path, Fingerprint] = {}
    kept: list[Sample] = []
    findings: list[Finding] = []
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        looks = pool.map(_print_of, [sample.path for sample in dataset.samples])
        for sample, look in zip(dataset.samples, looks, strict=True):
            on_picture()
            if isinstance(look, Fingerprint):
                prints[sample.path] = look
                kept.append(sample)
            else:
                name = sample.path.name
                findings.append(Finding("undecodable picture", name, look, len(sample), 1, why=UNREADABLE))
    lost = losses_in(findings)
    losses = dataset.losses + replace(lost, boxes=0, pictures=0)  # which were counted in reading
    return replace(dataset, samples=kept, losses=losses), prints


def _print_of(path: Path) -> Fingerprint | str:
    try:
        return fingerprint(read_picture(path))
    except UsageError as error:
        return str(error)


def _objects(sample: Sample) -> int:
    return int((~sample.ignored).sum())
