"""The text of a Darknet .cfg: sections in brackets, `key=value` lines, comments with # and ;."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rtdet.backends.placeholders import refuse_placeholder
from rtdet.errors import ModelError

# The longest that are published have some 550 sections and 60 KB.
MAX_SECTIONS, MAX_BYTES = 1000, 1_000_000

# C's atoi and atof, by which Darknet reads numbers, take the number at the beginning and leave the rest.
_INTEGER = re.compile(r"[+-]?\d{1,100}")
_NUMBER = re.compile(r"[+-]?(?:\d{1,30}\.?\d{0,30}|\.\d{1,30})(?:[eE][+-]?\d{1,3})?")


class CfgError(ModelError):
    """A .cfg that cannot be followed, with the line that is to blame."""

    def __init__(self, path: Path, line: int, what: str) -> None:
        super().__init__(f"{path}, line {line}: {what}")


@dataclass(frozen=True)
class Section:
    """One `[kind]` with its options, where it stands in which file, and its values as numbers.

    The methods return an option's value, `default` where it is not given, and raise CfgError for a value that is no
    number or out of range. Of an option that is given twice the first counts, as in Darknet.
    """

    path: Path
    kind: str
    line: int
    options: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)

    def error(self, what: str, key: str | None = None) -> CfgError:
        """An error at the line of option `key`, or of the section itself."""
        line = self.lines.get(key, self.line) if key else self.line
        return CfgError(self.path, line, what if key in self.lines else f"[{self.kind}] {what}")

    def text(self, key: str, default: str = "") -> str:
        return self.options.get(key, default)

    def integer(self, key: str, default: int, *, least: int | None = None, most: int = 2**31 - 1) -> int:
        found = key in self.options
        value = self._number(key, self.options[key], _INTEGER) if found else default
        number = int(value)
        if found and (number > most or (least is not None and number < least)):
            low = "" if least is None else f"{least} to "
            raise self.error(f"{key}={number} is out of range ({low}{most})", key)
        return number

    def number(self, key: str, default: float) -> float:
        return float(self._number(key, self.options[key], _NUMBER)) if key in self.options else default

    def flag(self, key: str) -> bool:
        return bool(self.number(key, 0))

    def integers(self, key: str) -> tuple[int, ...]:
        return tuple(int(self._number(key, part, _INTEGER)) for part in self._parts(key))

    def numbers(self, key: str) -> tuple[float, ...]:
        return tuple(float(self._number(key, part, _NUMBER)) for part in self._parts(key))

    def _parts(self, key: str) -> list[str]:
        text = self.options.get(key, "").partition("#")[0]
        return [part for part in text.split(",") if part.strip()]

    def _number(self, key: str, text: str, pattern: re.Pattern[str]) -> str:
        found = pattern.match(text.strip())
        if found is None:
            raise self.error(f"{key}={text.strip()[:40]} is not a number", key)
        return found[0]


def read_cfg(path: Path) -> list[Section]:
    """The sections of a .cfg; the first is [net]. Raises ModelError (with the line, where there is one) for a file
    that is none, or that is longer than any network needs."""
    sections = list(_sections(path, _lines_of(path)))
    if not sections:
        raise ModelError(f"{path} is not a Darknet cfg: it has no [net]")
    if len(sections) == 1:
        raise CfgError(path, sections[0].line, "[net] is followed by no layer")
    return sections


def _lines_of(path: Path) -> list[str]:
    if not path.is_file():
        raise ModelError(f"there is no model file {path}")
    refuse_placeholder(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise ModelError(f"{path} is not a Darknet cfg: it is larger than {MAX_BYTES // 1000} KB")
    if b"\0" in content:
        raise ModelError(f"{path} is not a Darknet cfg: it is not text")
    return content.decode("utf-8-sig", errors="replace").splitlines()


def _sections(path: Path, lines: list[str]) -> Iterator[Section]:
    section: Section | None = None
    count = 0
    for number, line in enumerate((line.strip() for line in lines), start=1):
        if not line or line[0] in "#;":
            continue
        if line[0] == "[":
            if section is not None:
                yield section
            section = Section(path, line.strip("[]").partition("]")[0].strip().lower(), number)
            count += 1
            _check_place(section, count)
            continue
        key, sign, value = line.partition("=")
        if section is None or not sign:
            what = (
                "neither [section] nor key=value"
                if section
                else "not a Darknet cfg: it should begin with [net]"
            )
            raise CfgError(path, number, f"{line[:40]!r} is {what}")
        key = "".join(key.split())
        section.options.setdefault(key, value.strip())
        section.lines.setdefault(key, number)
    if section is not None:
        yield section


def _check_place(section: Section, count: int) -> None:
    is_net = section.kind in ("net", "network")
    if is_net != (count == 1):
        what = (
            "a second [net]"
            if is_net
            else f"[{section.kind[:40]}] is no Darknet cfg's first section: that is [net]"
        )
        raise CfgError(section.path, section.line, what)
    if count > MAX_SECTIONS:
        raise CfgError(section.path, section.line, f"more than {MAX_SECTIONS} sections, which no network has")
