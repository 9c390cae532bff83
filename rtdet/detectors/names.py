"""What the classes of a model file are called."""

from __future__ import annotations

import ast
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rtdet.config import parse_toml
from rtdet.detectors.coco import COCO_CLASSES
from rtdet.errors import ModelError

_log = logging.getLogger("rtdet.detectors")
SIDECARS = (".txt", ".names", ".toml", ".json")
_KEYS = ("names", "classes")


def class_names(path: Path, count: int, metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Names for the `count` classes of the model at `path`.

    From a file beside it (model.txt or .names with a name on each line, model.toml or .json with `names` or
    `classes`), else from the `names` that its exporter left in it, else COCO's if there are 80, else class0,
    class1, ... with a warning. Raises ModelError for a file beside it that cannot be read or does not fit.
    """
    for suffix in SIDECARS:
        beside = path.with_suffix(suffix)
        if beside.is_file():
            names = _read(beside)
            if len(names) != count:
                raise ModelError(f"{beside} names {len(names)} classes, but {path.name} has {count}")
            return names
    embedded = _from_metadata(metadata)
    if len(embedded) == count:
        return embedded
    if count == len(COCO_CLASSES):
        return COCO_CLASSES
    _log.warning(
        "%s does not name its %d classes: they are called class0, class1, ...; put their names into %s",
        path.name, count, path.with_suffix(".txt").name,
    )  # fmt: skip
    return tuple(f"class{i}" for i in range(count))


def _read(path: Path) -> tuple[str, ...]:
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".toml":
            return _names_in(parse_toml(text))
        if path.suffix == ".json":
            return _names_in(json.loads(text))
    except (OSError, ValueError, TypeError, RecursionError) as error:  # TOML, JSON, Unicode: ValueErrors
        raise ModelError(f"{path} cannot be read as class names: {error}") from error
    return tuple(line.strip() for line in text.splitlines() if line.strip())


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
    for parse in (json.loads, ast.literal_eval):  # "{0: 'person'}" is how some exporters write it
        try:
            value = parse(text)
            keyed = {str(k): v for k, v in value.items()} if isinstance(value, dict) else value
            return _names_in(keyed)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return tuple(name.strip() for name in text.split(",") if name.strip())
