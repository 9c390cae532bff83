"""What is dropped on the window."""

from __future__ import annotations

from typing import NamedTuple

from PyQt6.QtCore import QMimeData

from rtdet.tracks import FORMATS

# What is meant as a model, also where the answer is that it cannot be read.
MODEL_SUFFIXES = (".safetensors", ".onnx", ".xml", ".pth", ".pt", ".cfg", ".weights")


class Dropped(NamedTuple):
    """Sources to play one after the other, a model for them, and a file of their tracks ("": none)."""

    sources: tuple[str, ...] = ()
    model: str = ""
    tracks: str = ""


def dropped(mime: QMimeData | None) -> Dropped:
    """Files, folders and addresses, in their order. Of several models and track files the first."""
    if mime is None:
        return Dropped()
    named = [url.toLocalFile() or url.toString() for url in mime.urls()]
    text = mime.text().strip()
    if not named and "://" in text and "\n" not in text:
        named = [text]
    models = [name for name in named if name.lower().endswith(MODEL_SUFFIXES)]
    tracks = [name for name in named if name.lower().endswith(tuple(FORMATS)) and "://" not in name]
    sources = tuple(name for name in named if name not in models and name not in tracks)
    return Dropped(sources, models[0] if models else "", tracks[0] if tracks else "")
