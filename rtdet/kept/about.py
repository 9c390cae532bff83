"""Where a run came from and with what it was made."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
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
                value = json.loads(texts[one.name])
                default = getattr(_NOTHING, one.name)
                kind = dict if isinstance(default, Mapping) else list if isinstance(default, tuple) else str
                if not isinstance(value, kind):
                    raise ValueError(f"{one.name} should be a {kind.__name__}, not {str(value)[:40]}")
                values[one.name] = tuple(map(str, value)) if kind is list else value
        about = cls(**values)
        try:
            about.info  # noqa: B018 - is it complete
            about.size  # noqa: B018
        except (TypeError, ValueError) as error:
            raise ValueError(f"the source's properties are wrong: {error}") from error
        return about


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
