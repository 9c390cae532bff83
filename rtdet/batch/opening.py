"""Opens the sources of a batch: those of a run, and files behind an address that fsspec knows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rtdet.backends.machine import limited_cores
from rtdet.batch.buckets import open_bucket_file
from rtdet.batch.manifest import is_in_bucket
from rtdet.batch.piece_source import PieceSource
from rtdet.build import build_source
from rtdet.config import RunConfig
from rtdet.protocols import Source
from rtdet.video.sources.container import FileSource
from rtdet.video.sources.names import to_path
from rtdet.video.sources.reading import Reading


def open_source_of(config: RunConfig) -> Source:
    """Raises SourceError."""
    if is_in_bucket(config.source):
        return FileSource(config.source, _reading(config), remote=open_bucket_file(config.source))
    return build_source(config, decoder_threads=_threads())


def open_piece(config: RunConfig, begin: int | None, end: int | None) -> PieceSource:
    """The pictures of a piece of a film. Raises SourceError."""
    if is_in_bucket(config.source):
        return PieceSource(
            config.source, _reading(config), begin, end, remote=open_bucket_file(config.source)
        )
    return PieceSource(to_path(config.source), _reading(config), begin, end)


@contextmanager
def av_file(source: str) -> Iterator[Any]:
    """What av.open takes for a file."""
    if not is_in_bucket(source):
        yield os.path.realpath(to_path(source))
        return
    file = open_bucket_file(source)
    try:
        yield file
    finally:
        file.close()


def _reading(config: RunConfig) -> Reading:
    return Reading(
        start_s=config.start,
        taken_as=config.taken_as,
        video_track=config.video_track,
        max_megapixels=config.max_megapixels,
        hwaccel=config.hwaccel,
        decoder_threads=_threads(),
    )


def _threads() -> int:
    """Of a decoder: one for each core of the worker, whatever the machine has. What several make of damaged pictures
    depends on their number, and now and then on which of them is first."""
    return limited_cores() or 0
