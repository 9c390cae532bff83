"""The scale that a zones file gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rtdet.errors import SourceError
from rtdet.ground.scale import Scale, Size, scale_of

_MOST_BYTES = 16 * 2**20


def read_scale(path: str | Path) -> Scale | None:
    """The scale of the ground in a zones file, None where it has none. Raises SourceError, one line that names the
    file, for one that is none and for a wrong scale."""
    return scale_in_text(read_text(path), str(path))


def scale_in_text(text: str, name: str) -> Scale | None:
    """The same of a zones file's text; `name` is what messages call it."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{name} is no zones file: {' '.join(str(error).lower().split())}") from error
    properties = content.get("properties", {}) if isinstance(content, dict) else None
    if not isinstance(properties, dict):
        raise SourceError(f'{name} is no zones file: a GeoJSON "FeatureCollection" with "properties" is one')
    ground, size = properties.get("ground"), properties.get("size")
    return None if ground is None else scale_of(ground, _size(size, name), name)


def read_text(path: str | Path) -> str:
    """The text of a zones file. Raises SourceError."""
    path = Path(path)
    try:
        if path.is_file() and path.stat().st_size > _MOST_BYTES:
            raise SourceError(f"{path} is no zones file: it has more than {_MOST_BYTES // 2**20} MiB")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SourceError(f"cannot read the zones of {path}: {reason}") from error
    except ValueError as error:
        raise SourceError(f"{path} is no zones file: it is not UTF-8 text") from error


def needed_scale(path: str | Path) -> Scale:
    """The same, where it is needed. Raises SourceError where the file has none, too."""
    scale = read_scale(path)
    if scale is None:
        raise SourceError(
            f'{path} has no scale: add to its "properties" "ground": {{"points": [[x, y], ...], "metres": [[X, Y], '
            '...]} with four points of the ground, or {"metres_per_pixel": 0.02}'
        )
    return scale


def _size(size: Any, name: str) -> Size | None:
    if size is None:
        return None
    if not (
        isinstance(size, list) and len(size) == 2 and all(type(one) is int and 0 < one < 1e5 for one in size)
    ):
        raise SourceError(
            f'{name}: "size" is the picture\'s width and height in pixels, as in [1280, 720], not {size!r}'
        )
    return size[0], size[1]
