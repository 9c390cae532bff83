"""Several sources in one run: which they are, what each is called, and its settings."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rtdet.config import OUTPUTS, RunConfig, given_settings, source_tables
from rtdet.errors import UsageError
from rtdet.video.sources import names_source
from rtdet.video.sources.names import is_camera, is_glob, is_url, to_path

# What stands in the path of an output, or of the zones, for the source's name and its number from 1.
_NAME, _INDEX = "{name}", "{index}"
_PATTERNS = (*OUTPUTS, "zones")
_LONGEST_NAME = 80


@dataclass(frozen=True)
class NamedRun:
    """One source of a run, with the settings that hold for it.

    name: what it is called; no other source of the run is called so. config: its own settings, `source` among them;
    `{name}` and `{index}` in the paths of its outputs are filled in. given: the names of the settings that somebody
    gave for it, on the command line, in the environment or in a file, so that nothing remembered replaces them.
    """

    name: str
    config: RunConfig
    given: frozenset[str] = frozenset()


def load_runs(
    path: str | None,
    sources: Sequence[str],
    overrides: Mapping[str, Any],
    environment: Mapping[str, str] | None = None,
) -> tuple[NamedRun, ...]:
    """The sources of a run, one or more, each with its settings: defaults, overridden by the top of the TOML file at
    `path`, by the file's table of that source, by RTDET_* variables, by `overrides` (None: not given).

    sources: those of the command line. They take the place of the file's; one that is the name of a table in the file
    is that table, and a word that is neither that nor anything to open is refused. Without any the file's hold, or
    the default. Raises UsageError, one line that names the file and the table, for a setting that is wrong or
    unknown, for two sources of one name, and for outputs of several that would be one file.
    """
    top = given_settings(path, {})
    above = given_settings(None, environment) | {
        name: value for name, value in overrides.items() if value is not None
    }
    tables = [] if path is None else source_tables(path)
    if tables and "source" in top:
        raise UsageError(f"{path} has both source and [[sources]]; move that source into a table of its own")
    named = {table["name"]: (table, place) for table, place in tables if "name" in table}
    from_environment = above.pop("source", None)
    if not sources and from_environment is not None:
        sources = [from_environment]
    for text in sources:
        if named and text not in named and not (_is_path(text) or names_source(text)):
            raise UsageError(f"{text} is neither a file nor one of the sources in {path}: {', '.join(named)}")
    chosen = [named.get(text, ({"source": text}, "")) for text in sources] or tables or [({}, "")]
    runs = [
        _run(table, place, {**top, **{name: table[name] for name in table if name != "name"}, **above})
        for table, place in chosen
    ]
    return name_runs(runs)


def _is_path(text: str) -> bool:
    """Whether a text is a path by its looks, and not a name that somebody gave."""
    path = Path(text)
    return bool(path.suffix) or len(path.parts) > 1


def _run(table: Mapping[str, Any], place: str, settings: Mapping[str, Any]) -> NamedRun:
    try:
        config = replace(RunConfig(), **settings)
    except UsageError as error:
        raise UsageError(f"{place}: {error}" if place else str(error)) from None
    return NamedRun(table.get("name", ""), config, frozenset(settings))


def name_runs(runs: Sequence[NamedRun]) -> tuple[NamedRun, ...]:
    """The same with a name for each that has none (""), and with the paths of their outputs filled in. The name is
    made of the source, with -2, -3, ... where another is called so. Raises UsageError as `load_runs`."""
    for name, count in Counter(run.name for run in runs if run.name).items():
        if count > 1:
            raise UsageError(f"{count} sources are called {name}; give each a name of its own")
    taken = {run.name for run in runs}
    complete = []
    for i, run in enumerate(runs):
        name = run.name or free_name(name_of(run.config.source), taken)
        taken.add(name)
        complete.append(replace(run, name=name, config=_filled(run.config, name, i + 1)))
    _refuse_one_file_for_several([run.config for run in runs], complete)
    return tuple(complete)


def name_of(source: str) -> str:
    """What a source is called where nobody named it: the stem of a file, a folder's name, `webcam0`, the host of an
    address, demo. No secret of an address is in it."""
    text = source.strip()
    if is_camera(text):
        return f"webcam{re.sub(r'[^0-9]', '', text) or 0}"
    if is_url(text):
        try:
            return urlsplit(text).hostname or text.partition(":")[0]
        except ValueError:
            return text.partition(":")[0]
    path = to_path(text) if not text.startswith("~") else Path(text)
    if is_glob(text) and not path.exists():
        path = next((one for one in path.parents if not is_glob(str(one))), path)
        return path.name or "pictures"
    name = path.name if path.is_dir() else path.stem
    return name.partition(":")[0] or "source"


def free_name(wanted: str, taken: Collection[str]) -> str:
    """The wanted name, with -2, -3, ... after it where it is taken."""
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}-{number}", number + 1
    return name


def in_file_name(name: str) -> str:
    """A source's name as a part of a file's name."""
    return re.sub(r"[^\w\-. ]+", "_", name)[:_LONGEST_NAME].strip(" .") or "source"


def _filled(config: RunConfig, name: str, index: int) -> RunConfig:
    paths: dict[str, Any] = {}
    for setting in _PATTERNS:
        path = getattr(config, setting)
        if path is not None:
            _check_placeholders(path, f"--{setting.replace('_', '-')}")
        if path is not None and (_NAME in path or _INDEX in path):
            paths[setting] = path.replace(_NAME, in_file_name(name)).replace(_INDEX, str(index))
    return replace(config, **paths)


def _check_placeholders(path: str, option: str) -> None:
    """Raises UsageError where a placeholder seems to be misspelt; other braces are the file's own."""
    for word in re.findall(r"\{([^{}]*)\}", path):
        near = difflib.get_close_matches(word.strip().lower(), ("name", "index"), n=1)
        if near and word != near[0]:
            raise UsageError(f"{option} {path}: nothing stands for {{{word}}}; did you mean {{{near[0]}}}?")


def _refuse_one_file_for_several(asked: Sequence[RunConfig], runs: Sequence[NamedRun]) -> None:
    """Statistics of several sources may be in one file, and the events of several on standard output."""
    for setting in OUTPUTS:
        if setting == "stats":
            continue
        option, writers = f"--{setting.replace('_', '-')}", dict[str, int]()
        for i, run in enumerate(runs):
            path = getattr(run.config, setting)
            if path is None or (setting == "events" and path == "-"):
                continue
            other = writers.setdefault(path, i)
            if other == i:
                continue
            text = getattr(asked[i], setting)
            both = f"{option} {text} would be one file for {runs[other].name} and {run.name}"
            if text == "-":
                raise UsageError(
                    f"{option} - would mix those of {runs[other].name} and {run.name} on standard output; name a "
                    f"file for each, with {_NAME} in it"
                )
            if text == path and text == getattr(asked[other], setting):
                raise UsageError(f"{both}; put {{name}} into it, as in {_with_name(text)}")
            raise UsageError(f"{both}: both come to {path}; put {{index}} into it, too")


def _with_name(text: str) -> str:
    if text.endswith(("/", "\\")):
        return f"'{text}{_NAME}{text[-1]}'"
    path = Path(text)
    return f"'{path.with_name(f'{path.stem}-{_NAME}{path.suffix}')}'"
