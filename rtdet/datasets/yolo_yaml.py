"""The data.yaml of YOLO's data sets: names of the classes and where the pictures of each part are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped,unused-ignore]

from rtdet.datasets.text import read_text, shown
from rtdet.errors import UsageError

SPLITS = ("train", "val", "valid", "test")


@dataclass(frozen=True)
class YoloYaml:
    """names by class number; splits: for "train", "val", "test" the folders or lists; root: its `path`."""

    names: tuple[str, ...]
    splits: dict[str, list[str]]
    root: str


def yaml_file(folder: Path) -> Path | None:
    names = ("data.yaml", "dataset.yaml", "data.yml", f"{folder.name}.yaml")
    return next((folder / name for name in names if (folder / name).is_file()), None)


def read_yolo_yaml(folder: Path) -> YoloYaml | None:
    """What the folder's data.yaml says; None without one. Raises UsageError, one line, for one that is broken.

    Read by PyYAML's safe loader, which makes plain values only.
    """
    path = yaml_file(folder)
    if path is None:
        return None
    try:
        content = yaml.safe_load(read_text(path))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark is not None else ""
        why = getattr(error, "problem", None) or " ".join(str(error).split())
        raise UsageError(f"{path}{line} is not valid YAML: {why}") from error
    if not isinstance(content, dict) or "names" not in content:
        raise UsageError(f"{path} has no `names` of the classes")
    splits = {key: _entries(content[key], key, path) for key in SPLITS if content.get(key)}
    return YoloYaml(_names(content["names"], path), splits, str(content.get("path") or "."))


def _names(value: Any, path: Path) -> tuple[str, ...]:
    """From a list, or from {number: name}, where numbers may be left out."""
    if isinstance(value, dict) and all(type(k) is int and 0 <= k < 100_000 for k in value):
        value = [value.get(i, f"class {i}") for i in range(max(value, default=-1) + 1)]
    if not isinstance(value, list) or not all(isinstance(name, (str, int, float)) for name in value):
        raise UsageError(f"{path}: `names` should be a list of class names, not {shown(value)}")
    return tuple(str(name) for name in value)


def _entries(value: Any, key: str, path: Path) -> list[str]:
    entries = value if isinstance(value, list) else [value]
    if not all(isinstance(entry, str) for entry in entries):
        raise UsageError(f"{path}: `{key}` should be a folder, not {shown(value)}")
    return entries
