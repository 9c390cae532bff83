"""Where the tiles of a grid go."""

from __future__ import annotations

from typing import NamedTuple

ASPECT = 16 / 9


class Place(NamedTuple):
    """Of a tile, in pixels of the grid."""

    left: int
    top: int
    width: int
    height: int


def columns_for(count: int, width: int, height: int, *, bar: int = 0) -> int:
    """In how many columns `count` pictures of 16:9, each with a bar of that height above it, are largest."""

    def picture_width(columns: int) -> float:
        rows = -(-max(count, 1) // columns)
        return min(width / columns, (height / rows - bar) * ASPECT)

    return max(range(1, max(count, 1) + 1), key=lambda columns: (picture_width(columns), -columns))


def arranged(
    count: int, width: int, height: int, *, bar: int = 0, gap: int = 0, columns: int = 0
) -> list[Place]:
    """The places of `count` tiles in a grid of this size, row by row; `columns` 0: as many as suit it best. The last
    row is in the middle where it is not full."""
    if count < 1:
        return []
    columns = min(columns or columns_for(count, width, height, bar=bar + gap), count)
    rows = -(-count // columns)
    tile_width = max((width - gap * (columns - 1)) // columns, 1)
    tile_height = max((height - gap * (rows - 1)) // rows, 1)
    places = []
    for number in range(count):
        row, column = divmod(number, columns)
        in_row = min(count - row * columns, columns)
        indent = (width - in_row * tile_width - gap * (in_row - 1)) // 2 if in_row < columns else 0
        places.append(
            Place(indent + column * (tile_width + gap), row * (tile_height + gap), tile_width, tile_height)
        )
    return places


def neighbor(number: int, count: int, columns: int, step: tuple[int, int]) -> int:
    """The tile beside another, `step` (right, down) away; the same at the edges. Downwards into a last row that is
    shorter: its last one."""
    row, column = divmod(number, columns)
    to_column, to_row = column + step[0], row + step[1]
    if not 0 <= to_column < columns or not 0 <= to_row <= (count - 1) // columns:
        return number
    return min(to_row * columns + to_column, count - 1)
