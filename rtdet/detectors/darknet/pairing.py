"""The files that belong together: a .cfg, its .weights, the names of its classes."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from rtdet.detectors.names import SIDECARS, class_names, read_names
from rtdet.errors import ModelError

# What Darknet's training adds to the name of the cfg.
_SAVED = re.compile(r"_(?:best|final|last|\d+)$")

VOC_CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
_SIDECARS_OF_MANY = {80: "coco.names", 20: "voc.names"}


def pair(path: Path, cfg: Path | None = None) -> tuple[Path, Path]:
    """(cfg, weights) of which `path` is one, or the weights of a `cfg` that lies elsewhere. The other has the same
    name, or the name that training gave the weights (NAME_best, _final, _last). Raises ModelError where it is not
    there."""
    if not path.is_file():
        raise ModelError(f"there is no model file {path}")
    if cfg is not None:
        return cfg, path
    if path.suffix.lower() == ".weights":
        stems = [path.stem, _SAVED.sub("", path.stem)]
        return _first(
            path, [path.with_name(f"{stem}.cfg") for stem in stems], "the network is described there"
        ), path
    stems = [path.stem, *(f"{path.stem}_{end}" for end in ("best", "final", "last"))]
    weights = [path.with_name(f"{stem}.weights") for stem in stems]
    return path, _first(path, weights, "a Darknet cfg has no weights of its own")


def _first(path: Path, candidates: list[Path], why: str) -> Path:
    for candidate in candidates:
        for there in (candidate, candidate.with_suffix(candidate.suffix.upper())):
            if there.is_file():
                return there
    raise ModelError(f"{path} needs {candidates[0].name} beside it: {why}")


def names_for(cfg: Path, weights: Path, count: int, tree_names: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Names for a network's classes: from a file of its own beside it, else from the names that Darknet's .data file
    beside it points to, obj.names, coco.names or voc.names, else by their number COCO's or VOC's, else class_0, ...

    Raises ModelError for a file of names that cannot be read or has another number of them.
    """
    for path in (cfg, weights):
        if any(path.with_suffix(suffix).is_file() for suffix in SIDECARS):
            return class_names(path, count, {})
    for beside in _shared_names(cfg, count):
        if beside.is_file():
            names = read_names(beside) or ()
            if len(names) != count:
                raise ModelError(f"{beside} names {len(names)} classes, but {cfg.name} has {count}")
            return names
    if tree_names:
        return tree_names
    return VOC_CLASSES if count == len(VOC_CLASSES) else class_names(cfg, count, {})


def _shared_names(cfg: Path, count: int) -> list[Path]:
    """Where names may stand that are not named after the cfg."""
    found = []
    for data in (cfg.with_suffix(".data"), cfg.with_name("obj.data")):
        if data.is_file() and data.stat().st_size < 100_000:
            text = data.read_text(encoding="utf-8", errors="replace")
            named = re.search(r"^\s*names\s*=\s*(\S.*?)\s*$", text, re.MULTILINE)
            if named:  # the folder is that of another machine; a network opens no files but those beside it
                found.append(cfg.with_name(PurePosixPath(named[1].replace("\\", "/")).name or "obj.names"))
    found.append(cfg.with_name("obj.names"))
    if count in _SIDECARS_OF_MANY:
        found.append(cfg.with_name(_SIDECARS_OF_MANY[count]))
    return found
