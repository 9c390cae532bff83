"""Where a run came from and with what it was made."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rtdet.address import hide_secrets
from rtdet.errors import SourceError
from rtdet.types import SourceInfo

_MIB = 1 << 20
_INFO = (
    "name",
    "width",
    "height",
    "fps",
    "frame_count",
    "duration_s",
    "is_live",
    "is_seekable",
    "are_pictures",
)
# The longest side of a picture that anybody has, in pixels, and the fastest camera's frames per second.
_LONGEST_SIDE, _MOST_FPS = 1_000_000, 1_000_000
_PACKAGES = ("numpy", "openvino", "opencv-python", "av")


@dataclass(frozen=True)
class About:
    """source: as it was named, without passwords and tokens; path: where the file was, "" where it is none.
    source_info: of `SourceInfo`, what holds without the source. fingerprint: `fingerprint` of the file, empty where
    it is none. model, model_sha256: its name or file, and the hash of its weights. class_names: the model's.
    suppression: how the detector thins out boxes (protocols.Detector). settings: those of the run, by the names of
    the command line. began_at: the clock on the wall, ISO 8601."""

    source: str = ""
    path: str = ""
    source_info: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: Mapping[str, Any] = field(default_factory=dict)
    model: str = ""
    model_sha256: str = ""
    class_names: tuple[str, ...] = ()
    suppression: str = "none"
    settings: Mapping[str, Any] = field(default_factory=dict)
    began_at: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the source's pictures; of several of different sizes the largest."""
        return int(self.source_info.get("width", 0)), int(self.source_info.get("height", 0))

    @property
    def info(self) -> SourceInfo:
        """The source as it was, less what only the open source knows."""
        known: dict[str, Any] = {"name": "", "width": 0, "height": 0} | dict(self.source_info)
        return SourceInfo(**{name: known[name] for name in _INFO if name in known})

    @property
    def are_pictures(self) -> bool:
        return bool(self.source_info.get("are_pictures"))

    def as_texts(self) -> dict[str, str]:
        """Each value as JSON."""
        return {name: json.dumps(value, ensure_ascii=False) for name, value in asdict(self).items()}

    @classmethod
    def from_texts(cls, texts: Mapping[str, str]) -> About:
        """Raises ValueError for what is no JSON, or another kind of value than it should be."""
        values: dict[str, Any] = {}
        for one in fields(cls):
            if one.name in texts:
                try:
                    value = json.loads(texts[one.name])
                except RecursionError as error:
                    raise ValueError(f"{one.name} is nested too deeply") from error
                default = getattr(_NOTHING, one.name)
                kind = dict if isinstance(default, Mapping) else list if isinstance(default, tuple) else str
                if not isinstance(value, kind):
                    raise ValueError(f"{one.name} should be a {kind.__name__}, not {str(value)[:40]}")
                values[one.name] = tuple(map(str, value)) if kind is list else value
        about = cls(**values)
        for of, kinds in ((about.source_info, _INFO_KINDS), (about.settings, _SETTING_KINDS)):
            for name, is_right in kinds.items():
                if name in of and not is_right(of[name]):
                    raise ValueError(f"{name} cannot be {str(of[name])[:40]}")
        return about


def _number(least: float, most: float = math.inf, *, is_whole: bool = False) -> Callable[[Any], bool]:
    """Whether a value is a finite number within these limits."""
    types = (int,) if is_whole else (int, float)
    return lambda value: type(value) in types and least <= value <= most and value < math.inf


def _or_nothing(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or is_right(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


# What others read as if it were right: `SourceInfo` and `kept.retrack.Tracking`.
_INFO_KINDS: Mapping[str, Callable[[Any], bool]] = {
    "name": _is_text,
    "width": _number(0, _LONGEST_SIDE, is_whole=True),
    "height": _number(0, _LONGEST_SIDE, is_whole=True),
    "fps": _or_nothing(_number(0, _MOST_FPS)),
    "frame_count": _or_nothing(_number(0, is_whole=True)),
    "duration_s": _or_nothing(_number(0)),
    "is_live": _is_flag,
    "is_seekable": _is_flag,
    "are_pictures": _is_flag,
}
_SETTING_KINDS: Mapping[str, Callable[[Any], bool]] = {
    "conf": _number(0, 1),
    "iou": _number(0, 1),
    "max_det": _number(1, is_whole=True),
    "classes": _are_texts,
    "tracker": _is_text,
    "set": _are_texts,
    "start": _or_nothing(_number(0)),
}
_NOTHING = About()


def about_source(source: str, info: SourceInfo, path: Path | None) -> dict[str, Any]:
    """The values of an About that belong to the source; `path` is its file."""
    return {
        "source": hide_secrets(source),
        "path": "" if path is None else str(path.resolve()),
        "source_info": {name: getattr(info, name) for name in _INFO} | {"name": hide_secrets(info.name)},
        "fingerprint": {} if path is None else fingerprint(path),
    }


def fingerprint(path: str | Path) -> dict[str, Any]:
    """Tells a video from others without reading all of it: its length in bytes, and the SHA-256 of its first and of
    its last MiB. Raises SourceError where it cannot be read."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            first = hashlib.sha256(file.read(_MIB)).hexdigest()
            file.seek(max(0, size - _MIB))
            return {"bytes": size, "first": first, "last": hashlib.sha256(file.read(_MIB)).hexdigest()}
    except OSError as error:
        raise SourceError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error


def sha256_of(path: Path) -> str:
    """Of a whole file. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_MIB):
            digest.update(piece)
    return digest.hexdigest()


def now() -> str:
    """The clock on the wall, with its zone, as ISO 8601."""
    return datetime.now().astimezone().isoformat(timespec="milliseconds")


def versions() -> dict[str, str]:
    """Of rtdet, Python and the packages that a run's numbers depend on."""
    known = {"python": platform.python_version()}
    for name in ("rtdet", *_PACKAGES):
        try:
            known[name] = version(name)
        except PackageNotFoundError:
            continue
    return known
