"""The sources that a command names: files, folders, patterns, addresses and manifests, one after the other.

Nothing here opens a video, and nothing is held: a manifest of a million rows is listed in a few seconds.
"""

from __future__ import annotations

import csv
import glob
import json
import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rtdet.batch.settings import Settings, column_of, meant_by, settings_of_cells, settings_of_row
from rtdet.errors import SourceError, UsageError
from rtdet.video.sources.names import (
    IMAGE_SUFFIXES,
    VIDEO_SUFFIXES,
    is_glob,
    is_url,
    missing_file,
    natural_key,
    to_path,
)

log = logging.getLogger("rtdet.batch")

_PATH_COLUMNS = ("path", "source", "file", "video", "uri", "url")
_NAME_COLUMN = "name"
# Without a part that begins with a point, "//", "~" and a scheme.
_PLAIN_PATH = re.compile(r"(?:/?[^/.~:][^/:]*)(?:/[^/.][^/:]*)*").fullmatch
# Schemes that rtdet reads itself; the others are fsspec's.
_OWN_SCHEMES = frozenset({"http", "https", "rtsp", "rtsps", "rtmp", "rtp", "udp", "tcp", "srt"})
_NOTHING = Settings()
# Folders in which systems and network drives keep what they make of files, or what was thrown away.
_NOT_THE_USERS = frozenset({"@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found"})
# What lies beside videos and is surely none; what is still being copied or loaded.
_BESIDE_VIDEOS = frozenset(
    """.txt .md .pdf .log .csv .tsv .json .jsonl .parquet .xml .srt .vtt .sub .idx .ass .nfo .ini .toml .yaml .yml .db
    .html .zip .tar .gz .7z .wav .mp3 .m4a .aac .flac .thm .lrv .gpx .rtdet .py .sh .bat .part .tmp .temp .crdownload
    .download .partial .md5 .sha256""".split()  # noqa: SIM905 - words, not a list to be read one by one
)


class Listed(NamedTuple):
    """A source: its path (absolute) or address; what its row says; the name that its row gives it, or "" ."""

    source: str
    settings: Settings = _NOTHING
    name: str = ""


def list_sources(texts: Iterable[str], without: Path | None = None) -> Iterator[Listed]:
    """What the arguments of `rtdet batch` name, in order. `without`: a folder that is not looked into, the batch's
    own. Raises SourceError for what is not there or names nothing, UsageError for a manifest that makes no sense."""
    for text in texts:
        yield from _of_one(text.strip(), without)


def _of_one(text: str, without: Path | None) -> Iterator[Listed]:
    if not text:
        raise SourceError("a source is an empty word; name a file, a folder, a pattern or a manifest")
    if is_url(text):
        yield from _of_address(text)
        return
    if text.partition(":")[0] == "demo":
        yield Listed(text)
        return
    path = to_path(text)
    if path.is_dir():
        yield from _of_folder(path, without)
    elif path.suffix.lower() in READERS and path.is_file():
        yield from _of_manifest(path)
    elif path.exists():
        yield Listed(os.path.abspath(path))
    elif is_glob(text):
        yield from _of_pattern(path)
    else:
        raise missing_file(path)


def is_in_bucket(source: str) -> bool:
    """Whether fsspec is to open a source."""
    return is_url(source) and source.partition("://")[0].lower() not in _OWN_SCHEMES


def _of_address(text: str) -> Iterator[Listed]:
    if not is_in_bucket(text):
        yield Listed(text)
        return
    from rtdet.batch.buckets import list_bucket

    yield from map(Listed, list_bucket(text))


def _of_folder(folder: Path, without: Path | None) -> Iterator[Listed]:
    """The videos in a folder and those below it; where there is none but there are pictures, the folder itself."""
    found = False
    others: Counter[str] = Counter()  # by suffix
    without_path = None if without is None else os.path.abspath(without)
    for path in _videos_below(os.path.abspath(folder), without_path, others):
        found = True
        yield Listed(path)
    if found:
        _say_left_out(folder, others)
        return
    if any(entry.suffix.lower() in IMAGE_SUFFIXES for entry in folder.iterdir()):
        yield Listed(os.path.abspath(folder))
        return
    raise SourceError(
        f"there is no video in {folder} or below it; name another folder, or the files themselves"
    )


def _say_left_out(folder: Path, others: Counter[str]) -> None:
    """What is called like no video, and like nothing that is usual beside videos, may be one."""
    if not others:
        return
    count = others.total()
    kinds = ", ".join(f"{of_kind} {suffix or 'without suffix'}" for suffix, of_kind in others.most_common(4))
    log.warning(
        "%d file%s below %s %s not called as videos are, and %s left out (%s); a pattern names them: '%s'",
        count, "s" if count > 1 else "", folder, "are" if count > 1 else "is", "are" if count > 1 else "is", kinds,
        folder / "**" / f"*{others.most_common(1)[0][0]}",
    )  # fmt: skip


def _videos_below(folder: str, without: str | None, others: Counter[str]) -> Iterator[str]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: natural_key(entry.name))
    except OSError as error:
        log.warning("%s cannot be looked into and is left out: %s", folder, (error.strerror or "").lower())
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name in _NOT_THE_USERS:
            continue
        suffix = os.path.splitext(entry.name)[1].lower()
        if _is_folder(entry):
            if entry.path != without and not entry.is_symlink():
                yield from _videos_below(entry.path, without, others)
        elif suffix in VIDEO_SUFFIXES:
            yield entry.path
        elif suffix not in IMAGE_SUFFIXES and suffix not in _BESIDE_VIDEOS:
            others[suffix] += 1


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself, or to where nobody may look
        return False


def _of_pattern(path: Path) -> Iterator[Listed]:
    found = sorted(filter(os.path.isfile, glob.iglob(str(path), recursive=True)), key=natural_key)
    if not found:
        raise SourceError(f"no file matches {path}: check the pattern")
    for name in found:
        yield Listed(os.path.abspath(name))


# Manifests


def _of_manifest(path: Path) -> Iterator[Listed]:
    """A source for each row; relative paths start at the manifest's folder."""
    folder = os.path.abspath(path.parent)
    columns = _Columns(path)
    names: tuple[str, ...] = ()
    number = 0
    for number, row in _readable(READERS[path.suffix.lower()](path), path):
        if names != (names := tuple(row)):
            columns.learn(names, number)
        text = str(row[columns.path] or "").strip()
        if not text:
            raise UsageError(f"{columns.row} {number} of {path} has no path")
        cells = columns.cells(row)
        settings = _NOTHING
        if cells:
            try:
                settings = _with_absolute_zones(settings_of_row(cells), folder)
            except UsageError:
                settings_of_cells(cells, f"{columns.row} {number} of {path}")  # says which row it is
                raise
        yield Listed(_absolute(text, folder), settings, str(row.get(_NAME_COLUMN) or "").strip())
    if not number:
        raise SourceError(f"{path} names no source: it has no rows")


class _Columns:
    """Which column of a manifest means what; asked for each row, of a hundred thousand perhaps."""

    def __init__(self, path: Path) -> None:
        self._path = path
        suffix = path.suffix.lower()
        self.row = "row" if suffix == ".parquet" else "line"  # what is counted, for messages
        # Where the columns have their names.
        self._header = {".csv": f"the header of {path}", ".parquet": str(path)}.get(suffix, "")
        self.path = ""
        self._settings: list[tuple[str, str]] = []
        self._told: set[str] = set()

    def learn(self, names: tuple[str, ...], number: int) -> None:
        """The rows from `number` on have columns of these names. Raises UsageError where none is the path, or one is
        nearly spelt as a setting."""
        found = next((name for name in _PATH_COLUMNS if name in names), None)
        if found is None:
            place = self._header or f"line {number} of {self._path}"
            raise UsageError(
                f"{place} has no column `path`, only {', '.join(names)[:200]}; call the one with the files so"
            )
        self.path = found
        self._settings = [(name, meaning) for name in names if (meaning := self._meaning(name)) is not None]

    def cells(self, row: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
        """The row's settings that are not empty."""
        return tuple(
            (meaning, value if isinstance(value, (bool, int, float)) else _as_text(value))
            for name, meaning in self._settings
            if (value := row[name]) not in (None, "") and value == value
        )

    def _meaning(self, name: str) -> str | None:
        meaning = column_of(name)
        is_known = meaning is not None or name in (*_PATH_COLUMNS, _NAME_COLUMN) or name in self._told
        if not is_known:
            if meant := meant_by(name):
                raise UsageError(
                    f"unknown column {name!r} in {self._path}: did you mean {meant}? Call it so, or otherwise"
                )
            self._told.add(name)
            log.warning("the column %s of %s is no setting of a run, and is left out", name, self._path)
        return meaning


def _as_text(value: Any) -> Any:
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _absolute(text: str, folder: str) -> str:
    # Paths as most are: to take each apart would be most of the time of a long manifest.
    if os.sep == "/" and _PLAIN_PATH(text) is not None:
        return text if text[0] == "/" else f"{folder}/{text}"
    if is_url(text) or text.partition(":")[0] == "demo":
        return text
    return os.path.abspath(os.path.join(folder, to_path(text)))


def _with_absolute_zones(settings: Settings, folder: str) -> Settings:
    zones = settings.run.get("zones")
    if not zones:
        return settings
    return Settings({**settings.run, "zones": _absolute(str(zones), folder)}, settings.files)


# The number of each row, for messages, and its cells by column.
_Rows = Iterator[tuple[int, Mapping[str, Any]]]


def _readable(rows: _Rows, path: Path) -> _Rows:
    try:
        yield from rows
    except OSError as error:
        raise SourceError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError:
        raise SourceError(f"{path} is not a manifest: it is not text") from None
    except csv.Error as error:
        raise SourceError(f"{path} is not a table: {error}") from error


def _text_rows(path: Path) -> _Rows:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            text = line.strip()
            if text and not text.startswith("#"):
                yield number, {"path": text}


def _csv_rows(path: Path) -> _Rows:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            if None in row:
                raise UsageError(f"line {reader.line_num} of {path} has more cells than the header")
            yield reader.line_num, row


def _json_rows(path: Path) -> _Rows:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                raise UsageError(f"line {number} of {path} is not JSON") from None
            if not isinstance(row, dict):
                raise UsageError(
                    f'line {number} of {path} should be {{"path": ...}}, with settings if need be'
                )
            yield number, row


def _parquet_rows(path: Path) -> _Rows:
    from rtdet.tracks.formats.parquet_reading import parquet_batches

    number = 0
    try:
        for batch in parquet_batches(path):
            for values in zip(*batch.values(), strict=True):
                number += 1
                yield number, dict(zip(batch, values, strict=True))
    except ValueError as error:
        raise SourceError(f"{path} is not a readable Parquet file: {' '.join(str(error).split())}") from error


READERS: Mapping[str, Callable[[Path], _Rows]] = {
    ".txt": _text_rows,
    ".csv": _csv_rows,
    ".jsonl": _json_rows,
    ".parquet": _parquet_rows,
}
