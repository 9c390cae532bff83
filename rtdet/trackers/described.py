"""What can be set of each tracker, in words: from its signature and its docstring, for help texts and the window."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any

from rtdet.trackers.registry import TRACKERS, tracker_settings

_KINDS = {"int": "whole number", "float": "number", "bool": "true or false", "float | None": "number or none"}
_ENTRY = re.compile(r"(\w+) +(\S.*)")


@dataclass(frozen=True)
class Setting:
    """One setting: `name` and the `kind` of its values in words, its `default`, whether it may differ by class
    (KEY.CLASS=VALUE), and what it does, in one sentence."""

    name: str
    kind: str
    default: Any
    by_class: bool
    text: str


def described_settings(tracker: str) -> list[Setting]:
    """The settings that `--set` takes for a tracker, in order. Raises UnknownNameError."""
    known = tracker_settings(tracker)
    texts = _texts(inspect.getdoc(TRACKERS[tracker]()) or "")
    by_class = _by_class(tracker) if "per_class" in known else set()
    return [
        Setting(name, _KINDS[str(each.annotation)], each.default, name in by_class, texts.get(name, ""))
        for name, each in known.items()
        if str(each.annotation) in _KINDS
    ]


def _by_class(tracker: str) -> set[str]:
    module = inspect.getmodule(TRACKERS[tracker]())
    return set(getattr(module, "BY_CLASS", ()))


def _texts(docstring: str) -> dict[str, str]:
    """The first sentence of each entry `name  text`, whose further lines are indented."""
    texts: dict[str, str] = {}
    name = ""
    for line in docstring.splitlines():
        entry = _ENTRY.fullmatch(line)
        if entry is not None:
            name = entry[1]
            texts[name] = entry[2]
        elif line.startswith("  ") and name:
            texts[name] += " " + line.strip()
        else:
            name = ""
    return {name: re.split(r"(?<=[.;]) ", text, maxsplit=1)[0].rstrip(".;") for name, text in texts.items()}
