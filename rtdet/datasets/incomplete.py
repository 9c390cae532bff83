"""Labels that are known to be incomplete: `dataset.toml` in the data set's folder.

    [incomplete]
    people = ["car", "bus"]     # pictures of the source "people" may show cars and buses without a label
    roads = ["*"]               # ... every class that no picture of this source labels
    "*" = ["bicycle"]           # pictures of any source

Such classes are neither rewarded nor punished where nothing is labelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rtdet.config import parse_toml
from rtdet.datasets.sample import Sample, places_of
from rtdet.errors import UnknownNameError, UsageError

FILE_NAME = "dataset.toml"


def declared_incomplete(
    folder: Path, samples: Sequence[Sample], class_names: Sequence[str], known: Sequence[str]
) -> dict[str, frozenset[int]]:
    """For each source of `samples` the labels whose objects may be there unlabelled; empty without a file.

    `known` are all names that may be declared: those of the labels too, which the training may not want.
    Raises UsageError for a file that is not such TOML, UnknownNameError for a class that nobody knows.
    """
    declared = read_declaration(folder, known)
    if not declared:
        return {}
    places = places_of(class_names)
    labelled: dict[str, set[int]] = {}
    for sample in samples:
        labelled.setdefault(sample.source, set()).update(sample.labels[~sample.ignored].tolist())
    everything = frozenset(range(len(class_names)))
    incomplete = {}
    for source, labels in labelled.items():
        wanted = [*declared.get("*", ()), *declared.get(source, ())]
        named = {places[name] for name in wanted if name in places}
        incomplete[source] = frozenset(named | (everything - labels if "*" in wanted else set()))
    return incomplete


def read_declaration(folder: Path, known: Sequence[str]) -> dict[str, list[str]]:
    """The table [incomplete] of the folder's dataset.toml; empty when there is no such file."""
    path = folder / FILE_NAME
    try:
        content = parse_toml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from error
    table: Any = content.get("incomplete", {})
    if not isinstance(table, dict):
        raise UsageError(f"{path}: [incomplete] should be a table of lists of class names")
    for source, names in table.items():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise UsageError(f'{path}: {source} should be a list of class names, like {source} = ["car"]')
        for name in names:
            if name != "*" and name not in known:
                raise UnknownNameError(f"class in {path}", name, known)
    return table
