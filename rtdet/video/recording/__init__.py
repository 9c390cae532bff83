"""Annotated recordings, chosen by suffix, and annotated pictures. To add a kind: a class with `write` and `close`,
and a line here."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

from rtdet.errors import OutputError, UsageError
from rtdet.output_file import suffix_of
from rtdet.protocols import Sink
from rtdet.types import SourceInfo
from rtdet.video.draw import DrawStyle, Painter
from rtdet.video.recording.packets import PacketCopy
from rtdet.video.recording.pictures import PICTURE_SUFFIXES, PictureFile, PictureFolder
from rtdet.video.recording.recording import Recording, size_of_all

__all__ = ["RECORDINGS", "PacketCopy", "is_folder", "open_recording"]

log = logging.getLogger("rtdet.video")

RECORDINGS: dict[str, Callable[[Path, SourceInfo], Sink]] = {".mp4": Recording, ".mkv": Recording}


def open_recording(
    path: str | Path,
    info: SourceInfo,
    *,
    audio_from: str | None = None,
    style: Callable[[], DrawStyle] = DrawStyle,
    closes_gaps: bool = False,
    painter: Painter | None = None,
) -> Sink:
    """An annotated H.264 recording (.mp4, .mkv), with the sound of the file `audio_from`; `style` is
    asked for the look of each picture; for `closes_gaps` and `painter`, of films, see Recording.

    Of single pictures it is a slide show, which is said once; a path that is a folder, or ends in a slash, then takes
    the annotated pictures themselves, and one that ends in .jpg or .png the only one.
    Raises UnknownNameError for another suffix and OutputError where nothing can be written.
    """
    if is_folder(path):
        if info.are_pictures:
            return PictureFolder(path, style=style)
        raise OutputError(
            f"{path} is a folder, which would take single pictures; a film needs the name of a .mp4 or .mkv file"
        )
    if info.are_pictures and Path(path).suffix.lower() in PICTURE_SUFFIXES:
        if info.frame_count != 1:
            raise UsageError(
                f"{path} can hold one picture, but there are {info.frame_count}: name a folder "
                f"({Path(path).with_suffix('')}{os.sep}) or a .mp4 file"
            )
        return PictureFile(path, style=style)
    suffix_of(path, "recording", tuple(RECORDINGS))
    if info.are_pictures:
        width, height = size_of_all(info)
        log.info("%s shows each picture for a second, letterboxed to %dx%d; a folder (%s%s) takes the annotated "
                 "pictures themselves", path, width, height, Path(path).with_suffix(""), os.sep)  # fmt: skip
    return Recording(path, info, audio_from=audio_from, style=style, closes_gaps=closes_gaps, painter=painter)


def is_folder(path: str | Path) -> bool:
    """Whether a path is spelt as a folder's, or is one."""
    return str(path).endswith(("/", os.sep)) or os.path.isdir(path)
