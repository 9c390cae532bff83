"""What an examination of the machine found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rtdet.address import redact

OK, NOTE, PROBLEM = "ok", "note", "problem"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. name, text: what it is and what is true of it, for people. state: ok, note (worth
    to know, nothing is broken) or problem. remedy: what to do, often a command. values: the same for programs."""

    name: str
    text: str
    state: str = OK
    remedy: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """What was found in one part of the machine."""

    title: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Report:
    """The parts in the order in which they were looked at."""

    parts: tuple[Part, ...]

    def __iter__(self) -> Iterator[Finding]:
        for part in self.parts:
            yield from part.findings

    def count(self, state: str) -> int:
        """How many findings have a state."""
        return sum(finding.state == state for finding in self)

    @property
    def summary(self) -> str:
        """One line: how many problems there are, and notes."""
        return f"{_counted(self.count(PROBLEM), 'problem')}, {_counted(self.count(NOTE), 'note')}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the findings of each part, by its title; empty entries are left out."""
        parts = {part.title: [_entries(finding) for finding in part.findings] for part in self.parts}
        return {"problems": self.count(PROBLEM), "notes": self.count(NOTE), "parts": parts}

    def lines(self) -> list[str]:
        """The report as plain text, a line for each finding and each remedy."""
        width = max((len(finding.name) for finding in self), default=0)
        lines: list[str] = []
        for part in self.parts:
            lines += ["", part.title] if lines else [part.title]
            for finding in part.findings:
                lines.append(redact(f"  {finding.state:<8}{finding.name:<{width}}  {finding.text}").rstrip())
                if finding.remedy:
                    lines.append(redact(f"  {'':<8}{'':<{width}}  -> {finding.remedy}"))
        return [*lines, "", self.summary]


def _counted(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"


def _entries(finding: Finding) -> dict[str, Any]:
    entries = {"name": finding.name, "text": redact(finding.text), "state": finding.state}
    if finding.remedy:
        entries["remedy"] = redact(finding.remedy)
    return entries | dict(finding.values)
