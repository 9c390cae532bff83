"""What describes YOLO's data sets: a data.yaml, or Darknet's obj.data. Names of the classes, and where the pictures
of each part are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped,unused-ignore]

from rtdet.datasets.pictures import check_inside, rebased
from rtdet.datasets.text import read_text, shown, starts_with
from rtdet.errors import UsageError

SPLITS = ("train", "val", "valid", "test")
_LIST = re.compile(rb"(?m)^\s*(?:train|valid)\s*=")
_DARKNET = {"train": "train", "valid": "val", "test": "test"}


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
    """What the folder's data.yaml says, or its obj.data; None without both. Raises UsageError, one line, for one
    that is broken.

    Read by PyYAML's safe loader, which makes plain values only.
    """
    path = yaml_file(folder)
    if path is None:
        described = data_file(folder)
        return _read_darknet(folder, described) if described is not None else None
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


def data_file(folder: Path) -> Path | None:
    """Darknet's description of a data set: obj.data, or the one file of that suffix that names lists of pictures."""
    for usual in (folder / "obj.data", folder / "data" / "obj.data"):
        if usual.is_file():
            return usual
    files = sorted(path for path in folder.glob("*.data") if path.is_file() and not path.name.startswith("."))
    likely = [path for path in files if _LIST.search(starts_with(path))]
    return likely[0] if len(likely) == 1 else None


def _read_darknet(folder: Path, path: Path) -> YoloYaml | None:
    """Lines `key = value`: train and valid are lists of pictures, names a list of classes. Paths are those of the
    machine and folder where darknet was run: of each as much of its end counts as is here. None where not even the
    names are."""
    lines = (line.partition("#")[0].partition("=") for line in read_text(path).splitlines())
    values = {key.strip(): value.strip() for key, is_set, value in lines if is_set}
    named = rebased(folder, values["names"]) if values.get("names") else None
    names = None
    if named is not None and named.is_file():
        rows = read_text(check_inside(folder, named)).rstrip().splitlines()
        names = tuple(row.strip() or f"class {i}" for i, row in enumerate(rows))
    splits = {
        part: [values[key]]
        for key, part in _DARKNET.items()
        if values.get(key) and rebased(folder, values[key])
    }
    return YoloYaml(names, splits, ".") if names is not None or splits else None


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
