"""Annotated recordings, chosen by suffix. To add a kind: a class with `write` and `close`, and a line here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rtdet.output_file import suffix_of
from rtdet.protocols import Sink
from rtdet.types import SourceInfo
from rtdet.video.draw import DrawStyle
from rtdet.video.recording.recording import Recording

__all__ = ["RECORDINGS", "open_recording"]

RECORDINGS: dict[str, Callable[[Path, SourceInfo], Sink]] = {".mp4": Recording, ".mkv": Recording}


def open_recording(
    path: str | Path,
    info: SourceInfo,
    *,
    audio_from: str | None = None,
    style: Callable[[], DrawStyle] = DrawStyle,
    closes_gaps: bool = False,
) -> Sink:
    """An annotated H.264 recording (.mp4, .mkv), with the sound of the file `audio_from`; `style` is
    asked for the look of each picture; for `closes_gaps` see Recording.

    Raises UnknownNameError for another suffix and OutputError where nothing can be written.
    """
    suffix_of(path, "recording", tuple(RECORDINGS))
    return Recording(path, info, audio_from=audio_from, style=style, closes_gaps=closes_gaps)
