"""Chooses which of a container's video tracks is read."""

from __future__ import annotations

import logging
from typing import Any

from rtdet.errors import SourceError

log = logging.getLogger("rtdet.video")

# How a container marks tracks that accompany the main one.
_BESIDE = ("attached_pic", "timed_thumbnails", "still_image", "dependent", "visual_impaired", "comment")


def choose_track(container: Any, name: str, number: int | None = None) -> Any:
    """The video track to decode: the user's choice `number` (from 0), else the main one.

    The main one has more than one picture, is marked as the default, and is the largest of those. Where another
    could have been meant, one line says so. Raises SourceError where there is none.
    """
    tracks = list(container.streams.video)
    # The cover of an album is stored as a video track of one picture.
    films = [track for track in tracks if not _is_marked(track, "attached_pic")]
    if number is not None:
        if number >= len(tracks):
            raise SourceError(f"{name} has no video track {number}: it has {_listed(tracks) or 'none'}")
        films = [tracks[number]]
    if not films:
        kind = "only sound" if container.streams.audio else "no pictures"
        raise SourceError(f"{name} holds {kind}: choose a file or stream with a video track")
    decodable = [track for track in films if track.codec_context is not None]
    if not decodable:
        raise SourceError(f"{name} is in a video format that cannot be decoded here: convert it to H.264")
    chosen = max(decodable, key=_rank)
    if len(films) > 1:
        others = "another" if len(films) == 2 else "others"
        log.info(
            "%s has video tracks %s: track %d is read; --video-track N reads %s",
            name, _listed(tracks), tracks.index(chosen), others,
        )  # fmt: skip
    return chosen


def _rank(track: Any) -> tuple[bool, bool, bool, int, int]:
    context = track.codec_context
    return (
        not any(_is_marked(track, mark) for mark in _BESIDE),
        track.frames != 1,
        _is_marked(track, "default"),
        (context.width or 0) * (context.height or 0),
        -track.index,
    )


def _is_marked(track: Any, mark: str) -> bool:
    from av.stream import Disposition

    return bool(int(track.disposition) & int(Disposition[mark]))


def _listed(tracks: list[Any]) -> str:
    return ", ".join(f"{number} ({_described(track)})" for number, track in enumerate(tracks))


def _described(track: Any) -> str:
    context = track.codec_context
    return "unknown" if context is None else f"{context.name} {context.width}x{context.height}"
