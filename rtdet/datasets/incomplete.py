"""Labels that are known to be incomplete: `dataset.toml` in the data set's folder, or in the one around it.

    [incomplete]
    people = ["car", "bus"]     # pictures of the source "people" may show cars and buses without a label
    roads = ["*"]               # ... every class that no picture of this source labels
    "*" = ["bicycle"]           # pictures of any source

Such classes are neither rewarded nor punished where nothing is labelled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rtdet.config import parse_toml
from rtdet.datasets.raw import RawLabels
from rtdet.datasets.sample import Dataset, Sample, places_of
from rtdet.datasets.text import read_text
from rtdet.errors import UnknownNameError, UsageError

FILE_NAME = "dataset.toml"
_PARTS = frozenset({"train", "val", "valid", "validation", "test"})


def declare_incomplete(dataset: Dataset, declared: Mapping[str, Sequence[str]]) -> Dataset:
    """The same pictures with `incomplete` set. `declared` is as in dataset.toml: class names by source, "*" for
    any source or for every class that a source never labels. Names that the data set lacks are passed over."""
    places = places_of(dataset.class_names)
    labeled = labeled_by_source(dataset.samples)
    everything = frozenset(range(len(places)))
    incomplete = {}
    for source, labels in labeled.items():
        wanted = [*declared.get("*", ()), *declared.get(source, ())]
        named = {places[name] for name in wanted if name in places}
        incomplete[source] = frozenset(named | (everything - labels if "*" in wanted else set()))
    samples = [replace(sample, incomplete=incomplete[sample.source]) for sample in dataset.samples]
    return replace(dataset, samples=samples)


def labeled_by_source(samples: Sequence[Sample]) -> dict[str, set[int]]:
    """For each kind of picture the labels that its pictures have somewhere."""
    labeled: dict[str, set[int]] = {}
    for sample in samples:
        labeled.setdefault(sample.source, set()).update(sample.labels[~sample.ignored].tolist())
    return labeled


def declaration_file(folder: Path) -> Path | None:
    """The dataset.toml that holds for a folder; a part of a set ("train") goes by that of the whole too."""
    folders = [folder, folder.parent] if folder.name in _PARTS else [folder]
    return next((f / FILE_NAME for f in folders if (f / FILE_NAME).is_file()), None)


def declarable(raw: RawLabels, class_names: Sequence[str] = ()) -> tuple[str, ...] | None:
    """The names that a declaration may give: those of the labels, which the training may not want, and of the
    training. None, any: VOC lists no classes, and one that is declared may just not occur."""
    return None if raw.kind == "voc" else (*class_names, *raw.class_names)


def read_declaration(folder: Path, known: Sequence[str] | None) -> dict[str, list[str]]:
    """The table [incomplete] of the folder's dataset.toml; empty when there is no such file.

    Raises UsageError for a file that is not such TOML, UnknownNameError for a class that is not in `known`
    (None: any name will do).
    """
    path = declaration_file(folder)
    if path is None:
        return {}
    try:
        content = parse_toml(read_text(path))
    except ValueError as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from error
    table: Any = content.get("incomplete", {})
    if not isinstance(table, dict):
        raise UsageError(f"{path}: [incomplete] should be a table of lists of class names")
    for source, names in table.items():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise UsageError(f'{path}: {source} should be a list of class names, like {source} = ["car"]')
        for name in names:
            if known is not None and name != "*" and name not in known:
                raise UnknownNameError(f"class in {path}", name, known)
    return table


def write_declaration(
    folder: Path, samples: Sequence[Sample], class_names: Sequence[str], *, by_source: bool = True
) -> bool:
    """Writes a dataset.toml that says of `samples` what they say of themselves; none when all are complete.

    False, and nothing is written, when it cannot be said: without sources (`by_source`), of samples that differ.
    """
    incomplete: dict[str, set[int]] = {}
    for sample in samples:
        incomplete.setdefault(sample.source, set()).update(sample.incomplete)
    if not any(incomplete.values()):
        return True
    if not by_source:
        first = next(iter(incomplete.values()))
        if any(labels != first for labels in incomplete.values()):
            return False
        incomplete = {"*": first}
    declared = {
        source: [class_names[i] for i in sorted(labels)] for source, labels in incomplete.items() if labels
    }
    # JSON's texts, and lists of them, are TOML's too.
    rows = [f"{_quoted(source)} = {_quoted(names)}\n" for source, names in declared.items()]
    (folder / FILE_NAME).write_text("[incomplete]\n" + "".join(rows), encoding="utf-8")
    return True


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
