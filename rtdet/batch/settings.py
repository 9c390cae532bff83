"""What is done with a source: the settings of its run and what it writes, by the command and by a manifest's row."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Any

from rtdet.config import OUTPUTS, RunConfig, parse_value
from rtdet.errors import UnknownNameError, UsageError

# What a source may write besides its tracks in the data set and its statistics, and the suffixes of each; the first
# is the one where only "yes" is said.
FILES: Mapping[str, tuple[str, ...]] = {
    "tracks": ("csv", "txt", "jsonl", "parquet", "json"),
    "save": ("mp4", "mkv"),
    "keep": ("rtdet",),
    "counts": ("csv", "json", "parquet"),
    "events": ("jsonl",),
}
_NAMES = {"tracks": "tracks", "save": "video", "keep": "run", "counts": "counts", "events": "events"}
# Of the fields of a run, those that are no matter of one source.
_NOT_OF_A_SOURCE = frozenset(
    {"source", "max_latency", "headless", "offline", "quiet", "debug", "policy", "events_url", *OUTPUTS}
)
RUN_FIELDS = tuple(one.name for one in fields(RunConfig) if one.name not in _NOT_OF_A_SOURCE)
# Other names for columns of a manifest, as on the command line.
_ALIASES = {
    "weights": "model",
    "conf_thres": "conf",
    "iou_thres": "iou",
    "img_size": "imgsz",
    "as": "taken_as",
}
# Columns of the table of sources that are spelt nearly like a setting and are none: it is a manifest, too.
_LIKE_A_SETTING = frozenset({"duration_s"})
_YES, _NO = frozenset({"true", "yes", "1", "on"}), frozenset({"false", "no", "0", "off", ""})


@dataclass(frozen=True)
class Settings:
    """What is done with a source.

    run: fields of RunConfig that are not as by default. files: what is written besides (a key of FILES), and the
    suffix without its dot.
    """

    run: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def over(self, base: Settings) -> Settings:
        """These settings where they say something, else those of `base`."""
        files = {name: suffix for name, suffix in {**base.files, **self.files}.items() if suffix}
        return Settings({**base.run, **self.run}, files)

    def config(self, source: str, folder: str | None = None) -> RunConfig:
        """The run of a source, whose files are written to `folder` (None: it writes none). Raises UsageError."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in self.run.items()
        }
        if folder is not None:
            values |= {
                name: f"{folder}/{file_name(name, suffix)}" for name, suffix in self.files.items() if suffix
            }
        return replace(RunConfig(), source=source, headless=True, quiet=True, policy="every", **values)

    def as_dict(self) -> dict[str, Any]:
        return {"run": dict(self.run), "files": dict(self.files)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Settings:
        run = {k: tuple(v) if isinstance(v, list) else v for k, v in content.get("run", {}).items()}
        return cls(run, dict(content.get("files", {})))


def file_name(what: str, suffix: str) -> str:
    """What the file of a source is called, one of FILES."""
    return f"{_NAMES[what]}.{suffix}"


def suffix_for(what: str, text: str, where: str) -> str:
    """The suffix, without its dot, that a text asks for: a suffix, "yes" or "no" (""). where: an option, or the row
    of a manifest. Raises UsageError."""
    wanted = text.strip().lower().lstrip(".")
    known = FILES[what]
    if wanted in known:
        return wanted
    if wanted in _YES:
        return known[0]
    if wanted in _NO:
        return ""
    if where.startswith("--"):
        raise UsageError(f"{where} should be {' or '.join(known)}, not {text[:40]!r}")
    raise UsageError(f"{where}: {what} should be {', '.join(known)}, yes or no, not {text[:40]!r}")


def of_config(config: RunConfig, files: Mapping[str, str]) -> Settings:
    """The settings of a command whose options made `config`."""
    default = RunConfig()
    run = {
        name: getattr(config, name) for name in RUN_FIELDS if getattr(config, name) != getattr(default, name)
    }
    return Settings(run, dict(files))


def column_of(name: str) -> str | None:
    """The setting that a column of a manifest is; None where it is none."""
    plain = name.strip().lower().replace("-", "_")
    plain = _ALIASES.get(plain, plain)
    return plain if plain in RUN_FIELDS or plain in FILES else None


def meant_by(name: str) -> str:
    """The column that somebody may have meant who wrote `name`, which is none; "" where it is like none."""
    plain = name.strip().lower().replace("-", "_")
    if plain in _LIKE_A_SETTING:
        return ""
    known = (*RUN_FIELDS, *FILES, *_ALIASES, "name")
    # Nearer than elsewhere: a manifest may have columns of its own.
    near = difflib.get_close_matches(plain, known, 1, cutoff=0.82)
    return next(iter(near or [one for one in known if sorted(one) == sorted(plain)]), "")


@lru_cache(maxsize=256)
def settings_of_row(cells: tuple[tuple[str, Any], ...]) -> Settings:
    """`settings_of_cells`, remembered: most rows of a manifest say the same."""
    return settings_of_cells(cells, "a row")


def settings_of_cells(cells: tuple[tuple[str, Any], ...], where: str) -> Settings:
    """The settings that a row's cells, by `column_of`, make. Raises UsageError, which begins with `where`,
    for a value that does not fit."""
    run: dict[str, Any] = {}
    files: dict[str, str] = {}
    for name, value in cells:
        if name in FILES:
            files[name] = suffix_for(name, str(value).lower(), where)
        elif name in RUN_FIELDS:
            run[name] = parse_value(name, value, where)
        else:
            raise UnknownNameError(f"setting in {where}", name, (*RUN_FIELDS, *FILES))
    try:
        replace(RunConfig(), **run)  # its own checks
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    return Settings(run, files)
