"""What the classes of a model file are called."""

from __future__ import annotations

import ast
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rtdet.config import parse_toml
from rtdet.detectors.coco import COCO_CLASSES
from rtdet.detectors.heads.label_set import COCO_IDS
from rtdet.errors import ModelError

_log = logging.getLogger("rtdet.detectors")
SIDECARS = (".txt", ".names", ".toml", ".json", ".yaml", ".yml")
# Also `labels` of OpenVINO's model API, and `label_list` of Paddle's infer_cfg.yml.
_KEYS = ("names", "classes", "label_list", "labels")
_BACKGROUND = ("background", "bg", "???", "unlabeled")
_NOTES = ("{stem}_metadata.yaml", "metadata.yaml", "infer_cfg.yml")


def class_names(
    path: Path, count: int | None, metadata: Mapping[str, str], own: Sequence[str] = ()
) -> tuple[str, ...]:
    """Names for the `count` classes of the model at `path`.

    From a file beside it (model.txt or .names with a name on each line, model.toml, .json or .yaml with `names` or
    `classes`), else from the `names` that its exporter left in it or in metadata.yaml, else the family's `own`, else
    COCO's if there are 80, else class_0, class_1, ... with a warning. Raises ModelError for a file beside it that
    cannot be read or does not fit; one that names COCO's 90 ids, or the background in front, does. Where the count is
    not known (None) any number of names fits, and where there are none they are COCO's.
    """
    for suffix in SIDECARS:
        beside = path.with_suffix(suffix)
        if beside.is_file():
            names = read_names(beside)
            if names is None:
                continue
            names = _without_gaps(names, count)
            if count is not None and len(names) != count:
                raise ModelError(f"{beside} names {len(names)} classes, but {path.name} has {count}")
            return names
    for embedded in (noted_class_names(path, metadata), tuple(own)):
        if embedded and count in (None, len(embedded)):
            return embedded
    if count in (None, len(COCO_CLASSES)):
        return COCO_CLASSES
    assert count is not None
    _log.warning(
        "%s does not name its %d classes: they are called class_0, class_1, ...; put their names into %s",
        path.name, count, path.with_suffix(".txt").name,
    )  # fmt: skip
    return tuple(f"class_{i}" for i in range(count))


def _without_gaps(names: tuple[str, ...], count: int | None) -> tuple[str, ...]:
    """The names of the classes in a list that has others, too: the background in front, or, for COCO's 80 classes,
    its ids from 0 or from 1, ten of which no class has."""
    if count == len(COCO_IDS) and len(names) in (90, 91):
        return tuple(names[number - (len(names) == 90)] for number in COCO_IDS)
    if names and count == len(names) - 1 and names[0].strip("_").lower() in _BACKGROUND:
        return names[1:]
    return names


def noted_class_names(path: Path, metadata: Mapping[str, str]) -> tuple[str, ...]:
    """What the exporter of a model noted as the names of its classes, in it or in a file of notes; () for nothing."""
    return _from_metadata(metadata) or _from_notes_beside(path)


def read_names(path: Path) -> tuple[str, ...] | None:
    """The names in a file: .toml, .json, .yaml, or one on each line; None for YAML about other things, which
    exporters leave there, too. Raises ModelError for one that cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".toml":
            table = parse_toml(text)
            return COCO_CLASSES if table.get("classes") == "coco" else _names_in(table)
        if path.suffix == ".json":
            return _names_in(json.loads(text))
        if path.suffix in (".yaml", ".yml"):
            table = _yaml(text)
            about_names = not isinstance(table, dict) or any(key in table for key in _KEYS)
            return _names_in(table) if about_names else None
    except (OSError, ValueError, TypeError, RecursionError) as error:  # TOML, JSON, Unicode: ValueErrors
        raise ModelError(f"{path} cannot be read as class names: {error}") from error
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _yaml(text: str) -> Any:
    """What a YAML text says, by the loader that makes plain values only. Raises ValueError."""
    import yaml  # type: ignore[import-untyped,unused-ignore]

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(getattr(error, "problem", None) or "not valid YAML") from error


def _from_notes_beside(path: Path) -> tuple[str, ...]:
    """Names out of the notes that exporters write into a file of their own, where there are some."""
    for name in _NOTES:
        notes = path.with_name(name.format(stem=path.stem))
        if notes.is_file():
            try:
                return read_names(notes) or ()
            except ModelError:
                continue
    return ()


def _names_in(value: Any) -> tuple[str, ...]:
    """Names out of a list, or of {"0": name, ...}, or of either under `names` or `classes`."""
    if isinstance(value, dict):
        nested = next((value[key] for key in _KEYS if isinstance(value.get(key), list | dict)), None)
        if nested is not None:
            return _names_in(nested)
        return _names_in([value[key] for key in sorted(value, key=int)])
    if isinstance(value, list):
        if not all(isinstance(name, (str, int, float)) for name in value):
            raise ValueError("names are words, and one of them is a list or a table")
        return tuple(str(name) for name in value)
    raise ValueError(f"a list of names or a table of them, not {type(value).__name__}")


def _from_metadata(metadata: Mapping[str, str]) -> tuple[str, ...]:
    text = next((metadata[key] for key in _KEYS if key in metadata), "")
    if "labels" in metadata and "names" not in metadata:  # in one line, with _ for the spaces inside a name
        return tuple(name.replace("_", " ") for name in metadata["labels"].split())
    for parse in (json.loads, ast.literal_eval):  # "{0: 'person'}" is how some exporters write it
        try:
            value = parse(text)
            keyed = {str(k): v for k, v in value.items()} if isinstance(value, dict) else value
            return _names_in(keyed)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return tuple(name.strip() for name in text.split(",") if name.strip())
