"""Looks at one part of the machine after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from rtdet.doctor import (
    cache_files,
    cameras,
    codecs,
    conflicts,
    devices,
    environment,
    optional,
    places,
    processor,
    versions,
    windows,
)
from rtdet.doctor.report import PROBLEM, Finding, Part, Report

Look = Callable[[], Iterable[Finding]]

# In the order in which they are shown.
PARTS: Mapping[str, Look] = {
    "Versions": versions.look,
    "Processor and memory": processor.look,
    "Devices": devices.look,
    "Cameras": cameras.look,
    "Video": codecs.look,
    "Window": windows.look,
    "Optional packages": optional.look,
    "Conflicts": conflicts.look,
    "Places": places.look,
    "Cache": cache_files.look,
    "Environment": environment.look,
}


def examine(began: Callable[[str], object] = lambda title: None, parts: Mapping[str, Look] = PARTS) -> Report:
    """Examines the machine: some seconds, most of them to time the devices. `began` is told the title of each part
    before it is looked at. What cannot be looked at is a finding too: nothing is raised."""
    found = []
    for title, look in parts.items():
        began(title)
        findings: list[Finding] = []
        try:
            findings.extend(look())
        except Exception as error:  # of whatever library
            what = next(iter(str(error).splitlines()), "") or type(error).__name__
            findings.append(Finding("not examined", what, PROBLEM, "tell rtdet's makers of this line"))
        found.append(Part(title, tuple(findings)))
    return Report(tuple(found))
