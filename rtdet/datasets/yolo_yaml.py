"""The data.yaml of YOLO's data sets: names of the classes and where the pictures of each part are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped,unused-ignore]

from rtdet.datasets.text import read_text, shown, starts_with
from rtdet.errors import UsageError

SPLITS = ("train", "val", "valid", "test")


@dataclass(frozen=True)
class YoloYaml:
    """names by class number, None where it has none; splits: for "train", "val", "test" the folders or lists; root:
    its `path`; has_keypoints: behind each box stand the key points of its object (`kpt_shape`)."""

    names: tuple[str, ...] | None
    splits: dict[str, list[str]]
    root: str
    has_keypoints: bool = False


def yaml_file(folder: Path) -> Path | None:
    """The folder's data.yaml; where none is called so, the one YAML file that names classes and parts."""
    names = ("data.yaml", "dataset.yaml", "data.yml", f"{folder.name}.yaml")
    usual = next((folder / name for name in names if (folder / name).is_file()), None)
    if usual is not None:
        return usual
    files = [path for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]) if path.is_file()]
    likely = [path for path in files if not path.name.startswith(".") and _describes(starts_with(path))]
    return likely[0] if len(likely) == 1 else None


def _describes(start: bytes) -> bool:
    lines = (b"\n" + start).replace(b"\r", b"\n")
    return b"\nnames:" in lines and (b"\ntrain:" in lines or b"\nval:" in lines)


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
    if not isinstance(content, dict):
        raise UsageError(f"{path} has no `names` of the classes")
    splits = {key: _entries(content[key], key, path) for key in SPLITS if content.get(key)}
    names = _names(content["names"], path) if "names" in content else None
    return YoloYaml(names, splits, str(content.get("path") or "."), bool(content.get("kpt_shape")))


def _names(value: Any, path: Path) -> tuple[str, ...]:
    """From a list, or from {number: name}, where numbers may be left out, or be texts; or from {name: number}."""
    if isinstance(value, dict):
        by_number = _by_number(value)
        if by_number is None:
            turned = {number: name for name, number in value.items() if isinstance(number, (int, str))}
            by_number = _by_number(turned) if len(turned) == len(value) else None
        if by_number is not None:
            value = [by_number.get(i, f"class {i}") for i in range(max(by_number, default=-1) + 1)]
    if not isinstance(value, list) or not all(isinstance(name, (str, int, float)) for name in value):
        raise UsageError(f"{path}: `names` should be a list of class names, not {shown(value)}")
    return tuple(str(name) for name in value)


def _by_number(names: dict[Any, Any]) -> dict[int, Any] | None:
    """The same with numbers as keys; None where a key is not a number, or occurs twice."""
    keys = [int(key) if type(key) is int or str(key).isdecimal() else -1 for key in names]
    if any(not 0 <= key < 100_000 for key in keys) or len(set(keys)) < len(keys):
        return None
    return dict(zip(keys, names.values(), strict=True))


def _entries(value: Any, key: str, path: Path) -> list[str]:
    entries = value if isinstance(value, list) else [value]
    if not all(isinstance(entry, str) for entry in entries):
        raise UsageError(f"{path}: `{key}` should be a folder, not {shown(value)}")
    return entries
