"""Keeps outputs from destroying inputs: every file to be written is compared with every file to be read, before
anything is opened.

Files are told apart as the system does, not by how they are spelt: a hard link, a symbolic link, file:///a.mp4 and
~/a.mp4 are the same file as a.mp4.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from rtdet.errors import UsageError

_Identity = tuple[int, int]


def refuse_overwriting(
    outputs: Mapping[str, str | Path | None], inputs: Iterable[str | Path | None] = ()
) -> None:
    """Raises UsageError where two outputs are one file, or an output is one of the inputs.

    outputs: by what they are called in the message, e.g. {"--save": "out.mp4"}. inputs: paths; what is no file (a
    URL, a model's name) is none. None is what was not asked for.
    """
    wanted = {name: Path(path) for name, path in outputs.items() if path is not None}
    names: dict[_Identity | Path, str] = {}
    for name, path in wanted.items():
        if os.path.exists(path) and _identity(path) is None:
            continue
        other = names.setdefault(_identity(path) or _place(path), name)
        if other != name:
            raise UsageError(f"{other} and {name} are the same file, {path}; name a different file for each")
    there = {key for path in wanted.values() if (key := _identity(path)) is not None}
    if not there:
        return
    for read in (path for path in inputs if path is not None):
        key = _identity(Path(read))
        if key is not None and key in there:
            name = names[key]
            raise UsageError(
                f"{name} {wanted[name]} would overwrite {read}, which is an input; choose another name"
            )


def refuse_overwriting_in(folder: str | Path, name: str, inputs: Iterable[str | Path]) -> None:
    """Raises UsageError where the folder, an output by the name of its option, holds one of the inputs: pictures are
    written to it under their own names."""
    try:
        inside = {_identity(Path(entry.path)) for entry in os.scandir(folder)} - {None}
    except OSError:  # it is not there yet
        return
    for read in inputs if inside else ():
        if _identity(Path(read)) in inside:
            raise UsageError(
                f"{name} {folder} holds {read}, which is an input and would be overwritten; choose another folder"
            )


def _identity(path: Path) -> _Identity | None:
    """What the system knows the file by; None where there is none, and for a device or a pipe, which is not
    overwritten."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino) if path.is_file() or path.is_dir() else None


def _place(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a loop of links: opening it will say so
        return path.absolute()
