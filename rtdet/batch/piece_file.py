"""What the detector gave in the pictures of a piece, as a file."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from rtdet.batch.piece_source import Seen
from rtdet.errors import SourceError
from rtdet.types import Detections

_NO_TIME = np.iinfo(np.int64).min


class NotJoinableError(SourceError):
    """The pieces of a film are not what one pass gives; it is then worked through in one."""


@dataclass(frozen=True, eq=False)
class PieceFound:
    """The pictures of a piece, in order: what the decoder saw, the size of each, and what was found in each."""

    seen: Seen
    sizes: Sequence[tuple[int, int]]
    found: Sequence[Detections]


def write_piece(path: Path, piece: PieceFound) -> None:
    """Raises OSError."""
    seen, found = piece.seen, piece.found
    has_points = any(one.points is not None for one in found)
    names = next((one.class_names for one in found if one.class_names), ())
    arrays = {
        "pts": np.array([_NO_TIME if pts is None else pts for pts in seen.pts], dtype=np.int64),
        "sizes": np.array(piece.sizes, dtype=np.int64).reshape(-1, 2),
        "counts": np.array([len(one) for one in found], dtype=np.int64),
        "boxes": np.concatenate([one.boxes for one in found]) if found else np.zeros((0, 4)),
        "scores": np.concatenate([one.scores for one in found]) if found else np.zeros(0),
        "labels": np.concatenate([one.labels for one in found]) if found else np.zeros(0, np.int64),
        "class_names": np.array(list(names), dtype=np.str_),
        "begins": np.array(seen.begins, dtype=np.int64).reshape(-1, 2),
        "follows": np.array(seen.follows, dtype=np.int64).reshape(-1, 2),
        "is_damaged": np.array(seen.is_damaged),
    }
    if has_points:
        # A detector gives points of each picture's objects or of none.
        arrays["has_points"] = np.array([one.points is not None for one in found])
        arrays["points"] = np.concatenate([one.points for one in found if one.points is not None])
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def read_seen(path: str | Path) -> Seen:
    """Of a piece's file, what its decoder saw. Raises NotJoinableError where it is not what `write_piece` wrote,
    SourceError where it cannot be read."""
    with _open(path) as arrays:
        return Seen(
            [None if pts == _NO_TIME else pts for pts in arrays["pts"].tolist()],
            tuple((pts, crc) for pts, crc in arrays["begins"].tolist()),
            tuple((pts, crc) for pts, crc in arrays["follows"].tolist()),
            bool(arrays["is_damaged"]),
        )


def read_piece(path: str | Path) -> PieceFound:
    """Raises NotJoinableError where the file is not what `write_piece` wrote, SourceError where it cannot be read."""
    seen = read_seen(path)
    with _open(path) as arrays:
        ends = np.cumsum(arrays["counts"])[:-1]
        names = tuple(arrays["class_names"].tolist())
        columns = [np.split(arrays[name], ends) for name in ("boxes", "scores", "labels")]
        points = _points(arrays)
        sizes = [(width, height) for width, height in arrays["sizes"].tolist()]
        found = [
            Detections(boxes, scores, labels, names, of_points)
            for boxes, scores, labels, of_points in zip(*columns, points, strict=True)
        ]
    return PieceFound(seen, sizes, found if len(seen.pts) else [])


def _points(arrays: np.lib.npyio.NpzFile) -> list[np.ndarray | None]:
    counts = arrays["counts"]
    if "points" not in arrays:
        return [None] * max(1, len(counts))
    has = arrays["has_points"]
    parts = iter(np.split(arrays["points"], np.cumsum(counts[has])[:-1]))
    return [next(parts) if one else None for one in has]


@contextmanager
def _open(path: str | Path) -> Iterator[np.lib.npyio.NpzFile]:
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            yield arrays
    except OSError as error:
        raise SourceError(f"the piece {path} cannot be read: {error.strerror or error}") from error
    except (ValueError, TypeError, LookupError, RuntimeError, EOFError, BadZipFile, zlib.error) as error:
        raise NotJoinableError(f"the piece {path} is damaged: {error}") from error
