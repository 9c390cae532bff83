"""The settings of a run: defaults, TOML file, environment (RTDET_*), command line; each overrides those before it."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from rtdet.address import Address, hide_secrets
from rtdet.errors import UnknownNameError, UsageError

MAX_IMGSZ = 4096
# The settings of one process, which no source can have for itself.
_OF_THE_PROCESS = ("headless", "offline", "quiet", "debug")
# A detector that looks more seldom leaves the tracker nothing to go on with.
MAX_EVERY = 100
# The settings that name a file to be written, in the order in which they are told of.
OUTPUTS = ("save", "save_raw", "tracks", "stats", "keep", "counts", "events")


@dataclass(frozen=True)
class RunConfig:
    """One run of the pipeline. Names and meanings are those of the command line (`rtdet --help`)."""

    source: str = field(default="demo", repr=False)
    model: str = "rtdet-n"
    conf: float = 0.25
    iou: float = 0.5
    classes: tuple[str, ...] = ()
    max_det: int = 300
    imgsz: int | None = None
    head: str | None = None
    input: str | None = None
    device: str = "auto"
    backend: str = "auto"
    precision: str = "auto"
    tracker: str = "rtdet"
    set: tuple[str, ...] = ()
    camera_motion: bool = False
    policy: str = "auto"
    every: str = "1"
    max_latency: float | None = None
    save: str | None = None
    save_raw: str | None = None
    tracks: str | None = None
    stats: str | None = None
    zones: str | None = None
    counts: str | None = None
    events: str | None = None
    events_url: str | None = field(default=None, repr=False)
    clock: str | None = None
    keep: str | None = None
    duration: float | None = None
    max_frames: int | None = None
    start: float = 0.0
    taken_as: str | None = None
    video_track: int | None = None
    max_megapixels: float = 120.0
    hwaccel: str = "auto"
    headless: bool = False
    offline: bool = False
    quiet: bool = False
    debug: bool = False

    def __post_init__(self) -> None:
        for address in (self.source, self.events_url or ""):
            Address.parse(address)  # from now on its password is never printed, wherever it turns up
        for name in ("conf", "iou"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise UsageError(f"--{name} must be between 0 and 1, not {value:g}")
        if self.taken_as not in (None, "film", "pictures"):
            raise UsageError(f"--as must be film or pictures, not {self.taken_as}")
        if self.video_track is not None and self.video_track < 0:
            raise UsageError(f"--video-track counts from 0, not {self.video_track}")
        for name in ("max_det", "imgsz", "duration", "max_frames", "max_megapixels", "max_latency"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UsageError(f"--{name.replace('_', '-')} must be above 0, not {value:g}")
        every = str(self.every)  # from Python it may be anything
        if every != "auto" and not (every.isascii() and every.isdecimal() and 1 <= int(every) <= MAX_EVERY):
            raise UsageError(
                f"--every must be a number of frames from 1 to {MAX_EVERY}, or auto, not {self.every}"
            )
        if self.imgsz is not None and self.imgsz > MAX_IMGSZ:
            raise UsageError(f"--imgsz {self.imgsz} needs too much memory; use {MAX_IMGSZ} or less")
        if not self.start >= 0:
            raise UsageError(f"--start must be seconds from the beginning, 0 or more, not {self.start:g}")

    @property
    def of_the_detector(self) -> tuple[object, ...]:
        """The settings by which a detector is loaded: runs of which these are the same may share one."""
        return (
            self.model, self.device, self.backend, self.precision, self.imgsz, self.head, self.input,
        )  # fmt: skip

    @property
    def looks_every(self) -> int | None:
        """The detector looks at every so many frames; None: chosen as the run goes on."""
        return None if self.every == "auto" else int(self.every)

    @property
    def outputs(self) -> dict[str, str | None]:
        """The files that the run writes, by their options; None for what was not asked for."""
        return {f"--{name.replace('_', '-')}": getattr(self, name) for name in OUTPUTS}

    def without_outputs(self) -> RunConfig:
        """The same run, which writes nothing."""
        nothing: dict[str, Any] = dict.fromkeys(OUTPUTS)
        return replace(self, events_url=None, **nothing)


_FIELDS = {f.name: f for f in fields(RunConfig)}
# What a value of each kind is called in messages, by the first letter of its type.
_KINDS = {
    "f": "a number", "i": "a whole number", "s": "a text in quotes", "b": "true or false",
    "t": "a list of texts, or one with commas",
}  # fmt: skip


def load_config(
    path: str | None, overrides: Mapping[str, Any], environment: Mapping[str, str] | None = None
) -> RunConfig:
    """The settings of a run: defaults, overridden by the TOML file at `path`, then by RTDET_* variables, then by
    `overrides` (None: not given). Raises UsageError for a wrong value, UnknownNameError for an unknown setting."""
    values = given_settings(path, environment)
    values.update({name: value for name, value in overrides.items() if value is not None})
    return replace(RunConfig(), **values)


def given_settings(
    path: str | None, environment: Mapping[str, str] | None = None, *, names: Collection[str] | None = None
) -> dict[str, Any]:
    """What the TOML file at `path` and then RTDET_* variables set, of `names` (all); raises as `load_config` does."""
    values = {} if path is None else _from_toml(Path(path))
    wanted = _FIELDS if names is None else names
    for key, text in (os.environ if environment is None else environment).items():
        name = key[len("RTDET_") :].lower()
        if key.startswith("RTDET_") and name in wanted:
            values[name] = _parse(name, text, f"environment variable {key}")
    return {name: value for name, value in values.items() if name in wanted}


# A dotted key of more parts than any has: the standard library takes minutes over some of 400 KB.
_DEEP_KEY = re.compile(r"(?:[^\s.]{1,64}\s*\.\s*){100}")


def parse_toml(text: str) -> dict[str, Any]:
    """The table that a TOML text describes. Raises ValueError with the line for text that is not TOML or that is
    nested too deep."""
    try:
        import tomllib
    except ModuleNotFoundError:  # Python 3.10
        import tomli as tomllib  # type: ignore[no-redef,import-not-found,unused-ignore]
    if _DEEP_KEY.search(text):
        raise ValueError("nested too deep")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def source_tables(path: str) -> list[tuple[dict[str, Any], str]]:
    """The tables `[[sources]]` of a TOML file, in their order, and of each the place that messages name; empty where
    the file has none. A table has the settings of one source: `source`, perhaps a `name`, and any other that is not
    one of the process; `sources = ["a.mp4", "b.mp4"]` will do where there is nothing else to say. Raises as
    `load_config`."""
    tables = _toml_of(Path(path)).get("sources")
    if tables is None:
        return []
    if not isinstance(tables, list) or not tables:
        raise UsageError(
            f"{path}: sources should be tables, [[sources]], or a list of texts, and at least one"
        )
    read, names = [], set()
    for i, table in enumerate(tables):
        place = f"{path}, source {i + 1}"
        if isinstance(table, str):
            table = {"source": table}
        if not isinstance(table, dict):
            raise UsageError(f"{place}: a source is a table, [[sources]], or a text, not {_shown(table)}")
        table = dict(table)
        name = table.pop("name", None)
        if name is not None:
            if not isinstance(name, str) or not name.strip():
                raise UsageError(f"{place}: name should be a text in quotes, not {_shown(name)}")
            if name in names:
                raise UsageError(
                    f"{place}: another source is called {name}, too; give each a name of its own"
                )
            names.add(name)
            place = f"{place} ({name})"
        values = _settings_in(table, place)
        if "source" not in values:
            raise UsageError(f'{place} has no source: add what to open, as source = "webcam"')
        if name is not None:
            values["name"] = name
        for other in _OF_THE_PROCESS:
            if other in values:
                raise UsageError(f"{place}: {other} is for all sources; move it to the top of the file")
        read.append((values, place))
    return read


def _from_toml(path: Path) -> dict[str, Any]:
    """The settings at the top of the file."""
    table = _toml_of(path)
    table.pop("sources", None)
    if isinstance(listed := table.get("source"), list) and any(isinstance(row, dict) for row in listed):
        raise UsageError(f"{path}: tables of sources are called [[sources]], not [[source]]")
    return _settings_in(table, str(path))


def _toml_of(path: Path) -> dict[str, Any]:
    try:
        return parse_toml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the configuration {path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from error


def _settings_in(table: Mapping[str, Any], place: str) -> dict[str, Any]:
    values = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in _FIELDS:
            raise UnknownNameError(f"setting in {place}", key, _FIELDS)
        values[name] = _check(name, tuple(value) if isinstance(value, list) else value, place)
    return values


def _check(name: str, value: Any, where: str) -> Any:
    kind = str(_FIELDS[name].type)
    if kind[0] == "t" and isinstance(value, str):
        value = tuple(part.strip() for part in value.split(",") if part.strip())
    if isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if "float" in kind else str(value) if name == "every" else value
    wanted: tuple[type, ...] = {"f": (float,), "i": (int,), "s": (str,), "b": (bool,), "t": (tuple,)}[kind[0]]
    words = not isinstance(value, tuple) or all(isinstance(part, str) for part in value)
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted) or not words:
        raise UsageError(f"{where}: {name} should be {_KINDS[kind[0]]}, not {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    """A wrong value for a message: it may be an address in a place where none belongs."""
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(_shown, value))}]"
    return repr(hide_secrets(value)) if isinstance(value, str) else repr(value)


def parse_value(name: str, value: Any, where: str) -> Any:
    """The value of the setting `name` from a cell of a table: a text, or a value as JSON and Parquet have it. Raises
    UsageError, which begins with `where`."""
    if isinstance(value, str) and not str(_FIELDS[name].type).startswith("str"):
        return _parse(name, value.strip(), where)
    if isinstance(value, float) and value.is_integer() and str(_FIELDS[name].type).startswith("int"):
        value = int(value)  # of a column in which some are missing
    return _check(name, value, where)


def _parse(name: str, text: str, where: str) -> Any:
    kind = str(_FIELDS[name].type)
    try:
        if kind.startswith("bool"):
            return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False}[
                text.lower()
            ]
        if kind.startswith("int"):
            return int(text)
        if kind.startswith("float"):
            return float(text)
    except (ValueError, KeyError):
        raise UsageError(f"{where}: {name} should be {_KINDS[kind[0]]}, not {_shown(text)}") from None
    return _check(name, text, where)
