"""A contact sheet: samples of a data set side by side, each with its name below."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from rtdet.datasets.sample import Sample
from rtdet.datasets.text import printable
from rtdet.types import FloatArray, Image

TILE = (400, 300)
_GROUND, _EMPTY, _INK, _FAINT = (24, 26, 31), (36, 39, 46), (236, 238, 242), (150, 156, 168)
_MARGIN, _GAP, _CAPTION, _TITLE = 28, 16, 34, 112
# Of Linux, Windows and macOS, the first that is there; Pillow looks where each system keeps its fonts.
_SYSTEM_FONTS = (
    *("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "FreeSans.ttf", "Ubuntu-R.ttf"),
    *("segoeui.ttf", "arial.ttf", "Arial Unicode.ttf", "Helvetica.ttc"),
)
_Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True, eq=False)
class Tile:
    """image (H, W, 3) BGR no larger than TILE, and what stands below it."""

    image: Image
    caption: str
    note: str = ""


def fitted(sample: Sample) -> tuple[Image, FloatArray]:
    """A sample's picture at the size of a tile, and its boxes there (G, 4). Raises UsageError."""
    image, scale = _fit(sample.read(), *TILE)
    return image, sample.boxes * scale


def side_by_side(left: Image, right: Image) -> Image:
    """Two pictures in one tile."""
    half = (TILE[0] - 4) // 2
    pair = np.full((TILE[1], TILE[0], 3), _EMPTY[::-1], dtype=np.uint8)
    for picture, x in ((left, 0), (right, TILE[0] - half)):
        image, _ = _fit(picture, half, TILE[1])
        top, start = (TILE[1] - image.shape[0]) // 2, x + (half - image.shape[1]) // 2
        pair[top : top + image.shape[0], start : start + image.shape[1]] = image
    return pair


def _fit(image: Image, width: int, height: int) -> tuple[Image, float]:
    scale = min(width / image.shape[1], height / image.shape[0])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=how), dtype=np.uint8), scale


def contact_sheet(
    tiles: Sequence[Tile],
    title: str,
    subtitle: str,
    legend: Sequence[tuple[str, tuple[int, int, int]]] = (),
    columns: int = 6,
) -> Image:
    """(H, W, 3) BGR: the tiles in rows below a title and the `legend`, names with their (r, g, b)."""
    columns = max(1, min(columns, len(tiles)))
    rows = -(-len(tiles) // columns)
    width = 2 * _MARGIN + max(columns, 3) * (TILE[0] + _GAP) - _GAP
    height = _MARGIN + _TITLE + rows * (TILE[1] + _CAPTION + _GAP) - _GAP + _MARGIN // 2
    sheet = Pillow.new("RGB", (width, height), _GROUND)
    pen = ImageDraw.Draw(sheet)
    large, small = _font(27), _font(15)
    pen.text((_MARGIN, _MARGIN - 4), _cut(title, large, width - 2 * _MARGIN), _INK, large)
    pen.text((_MARGIN, _MARGIN + 38), _cut(subtitle, small, width - 2 * _MARGIN), _FAINT, small)
    _draw_legend(pen, legend, small, width - 2 * _MARGIN)
    for i, tile in enumerate(tiles):
        left = _MARGIN + (i % columns) * (TILE[0] + _GAP)
        top = _MARGIN + _TITLE + (i // columns) * (TILE[1] + _CAPTION + _GAP)
        pen.rectangle((left, top, left + TILE[0] - 1, top + TILE[1] - 1), _EMPTY)
        picture = Pillow.fromarray(np.ascontiguousarray(tile.image[..., ::-1]))
        sheet.paste(picture, (left + (TILE[0] - picture.width) // 2, top + (TILE[1] - picture.height) // 2))
        note = _drawable(tile.note, small)
        room = TILE[0] - (small.getlength(note) + 12 if note else 0)
        below = top + TILE[1] + 8
        pen.text((left, below), _cut(tile.caption, small, room), _INK, small)
        pen.text((left + TILE[0], below), note, _FAINT, small, anchor="ra")
    return np.ascontiguousarray(np.asarray(sheet)[..., ::-1])


def _font(size: int) -> _Font:
    """A font with letters beyond ASCII, where there is one: matplotlib's DejaVu Sans or one of the system's."""
    for name in (*_of_matplotlib(), *_SYSTEM_FONTS):
        with suppress(OSError):
            return ImageFont.truetype(name, size)
    return ImageFont.load_default(size)


def _of_matplotlib() -> list[str]:
    """The path of its font, where it is installed."""
    found = find_spec("matplotlib")
    folders = found.submodule_search_locations if found is not None else None
    return [str(Path(folder, "mpl-data/fonts/ttf/DejaVuSans.ttf")) for folder in folders or ()]


def _has_only_ascii(font: _Font) -> bool:
    """Whether it is Pillow's own."""
    return not isinstance(getattr(font, "path", None), str)


def _drawable(text: str, font: _Font) -> str:
    """The text in letters that the font has: where it has only ASCII, without accents, and "?" for others."""
    text = printable(text)
    if not _has_only_ascii(font):
        return text
    parts = unicodedata.normalize("NFKD", text)
    return "".join(part if part.isascii() else "?" for part in parts if not unicodedata.combining(part))


def _draw_legend(
    pen: ImageDraw.ImageDraw,
    legend: Sequence[tuple[str, tuple[int, int, int]]],
    font: _Font,
    room: float,
) -> None:
    """Coloured squares with names, in one line; what has no room is left out and counted."""
    x, y = float(_MARGIN), _MARGIN + 70
    for i, (name, color) in enumerate(legend):
        name = _drawable(name, font)
        if x + 24 + font.getlength(name) > _MARGIN + room - 90:
            pen.text((x, y), f"and {len(legend) - i} more", _FAINT, font)
            return
        pen.rectangle((x, y + 3, x + 13, y + 16), color)
        pen.text((x + 22, y), name, _INK, font)
        x += 46 + font.getlength(name)


def _cut(text: str, font: _Font, room: float) -> str:
    """The text, or its end where there is no room for all: file names differ at their ends."""
    text, ellipsis = _drawable(text, font), _drawable("…", font)
    if font.getlength(text) <= room:
        return text
    while len(text) > 1 and font.getlength(ellipsis + text) > room:
        text = text[1:]
    return ellipsis + text


def spread(samples: Sequence[Sample], count: int) -> list[Sample]:
    """`count` samples that show what there is: class by class in turn, rare ones first, each from all over the
    set."""
    places: dict[int, list[int]] = {}
    for i, sample in enumerate(samples):
        for label in set(sample.labels.tolist()) or {-2}:
            places.setdefault(label, []).append(i)
    queues = []
    for _, rows in sorted(places.items(), key=lambda item: len(item[1])):
        # Multiples of the golden ratio, taken modulo 1 and sorted, jump all over the set.
        queues.append(iter(sorted(rows, key=lambda i: i * 0.6180339887498949 % 1.0)))
    chosen: dict[int, None] = {}
    while queues and len(chosen) < min(count, len(samples)):
        for queue in list(queues):
            place = next((i for i in queue if i not in chosen), None)
            if place is None:
                queues.remove(queue)
            elif len(chosen) < count:
                chosen[place] = None
    return [samples[i] for i in chosen]
