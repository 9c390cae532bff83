"""The best views of each track, as pictures in a folder for each."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from rtdet.errors import OutputError
from rtdet.output_file import cannot_write, write_whole
from rtdet.protocols import Sink
from rtdet.tracks.table import TrackTable
from rtdet.types import FloatArray, Frame, FrameResult, Image, IntArray

USUAL_LIMIT = 5
# Around the box, a share of its sides on each side.
_ROOM = 0.08
# Of each part of a track's time so many frames are looked at; they are the best by what the boxes alone tell.
_LOOKED_AT = 5
# At the edge of the picture an object is probably cut off.
_EDGE_PX, _AT_EDGE = 2.0, 0.25
# Sharpness is compared at one size: a large view isn't sharper because it has more pixels.
_SHARPNESS_SIDE = 96
# A view of fewer pixels shows nothing.
_LEAST_SIDE = 8
_JPEG_QUALITY = 95


@dataclass
class _Slot:
    """One part of a track's time, of which the best view is kept: its frames that are still to come, the best one."""

    track_id: int
    awaited: set[int]
    quality: float = -1.0
    frame: int = 0
    view: Image | None = None


class CropFolder(Sink):
    """Writes to `folder`/ID-CLASS/FRAME.jpg, as `limit` views of each track at most.

    Each track's time is divided into `limit` parts, and of each part the best view is taken: large, sharp, of an
    object that was seen (not where the tracker guessed it to be), not hidden behind another one, and whole. The names
    are padded with noughts, so that they stand in order of ID and time. size: (width, height) of the film's pictures.
    Raises OutputError.
    """

    def __init__(
        self, folder: str | Path, table: TrackTable, size: tuple[int, int], limit: int = USUAL_LIMIT
    ) -> None:
        self.folder = Path(folder)
        self.written = 0
        self._table = table
        self._slots = _slots(table, _qualities(table, size), limit)
        self._digits = max(4, len(str(int(table.ids.max(initial=0)))))
        self._frame_digits = max(6, len(str(int(table.frames.max(initial=0)))))
        self._names = {
            int(table.ids[rows[0]]): _class_of(table, rows) for rows in table.tracks()
        }  # fmt: skip
        if self.folder.exists() and not self.folder.is_dir():
            raise OutputError(f"{self.folder} is a file; --crops takes a folder")
        if not self.folder.parent.is_dir():
            raise OutputError(f"the folder {self.folder.parent} does not exist; create it or choose another")

    def write(self, result: FrameResult) -> None:
        number = result.frame.index + 1
        for row, quality, slot in self._slots.pop(number, ()):
            view = _view(result.frame, self._table.boxes[row])
            if view is not None:
                total = quality * np.sqrt(_sharpness(view))
                if total > slot.quality:
                    slot.quality, slot.frame, slot.view = float(total), number, view.copy()
            slot.awaited.discard(number)
            if not slot.awaited:
                self._save(slot)

    def close(self) -> None:
        """Writes the views of tracks whose rest was not rendered."""
        left = [slot for slots in self._slots.values() for _, _, slot in slots]
        self._slots.clear()
        for slot in left:
            self._save(slot)

    def _save(self, slot: _Slot) -> None:
        view, slot.view = slot.view, None
        if view is None:
            return
        place = self.folder / f"{slot.track_id:0{self._digits}d}-{self._names[slot.track_id]}"
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(place, error) from error
        _, content = cv2.imencode(".jpg", view, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        write_whole(place / f"{slot.frame:0{self._frame_digits}d}.jpg", content.tobytes())
        self.written += 1


def _qualities(table: TrackTable, size: tuple[int, int]) -> FloatArray:
    """(N,) how good a view each row promises, by the boxes alone; 0 for one that was not seen."""
    boxes = table.boxes
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    # Twice as long in each direction is twice as good: beyond, sharpness and hidden parts count for more.
    quality = np.sqrt(sides.prod(axis=1)) * np.sqrt(table.scores.clip(0.05, 1))
    edges = np.array([_EDGE_PX, _EDGE_PX, size[0] - _EDGE_PX, size[1] - _EDGE_PX])
    is_cut = (boxes[:, :2] <= edges[:2]).any(axis=1) | (boxes[:, 2:] >= edges[2:]).any(axis=1)
    quality[is_cut] *= _AT_EDGE
    quality *= (1 - _hidden_shares(table)) ** 2
    is_guessed = ~table.values["seen"].astype(bool) | (table.scores <= 0)
    return np.where(is_guessed, 0, quality)


def _hidden_shares(table: TrackTable) -> FloatArray:
    """(N,) how much of each box lies behind the one that hides it most: behind boxes that end lower in the picture,
    whose objects are nearer to the camera."""
    hidden = np.zeros(len(table))
    for rows in np.split(np.arange(len(table)), np.flatnonzero(np.diff(table.frames)) + 1):
        if len(rows) < 2:
            continue
        boxes = table.boxes[rows]
        corner = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
        other = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
        common = np.maximum(other - corner, 0).prod(axis=2)
        is_nearer = boxes[None, :, 3] > boxes[:, None, 3]
        areas = np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1e-9)
        hidden[rows] = (common * is_nearer).max(axis=1) / areas
    return np.asarray(hidden.clip(0, 1))


def _slots(table: TrackTable, qualities: FloatArray, limit: int) -> dict[int, list[tuple[int, float, _Slot]]]:
    """By frame: the rows that are looked at there, what they promise, and the part of a track that they are in."""
    by_frame: dict[int, list[tuple[int, float, _Slot]]] = defaultdict(list)
    for rows in table.tracks():
        for part in np.array_split(rows, min(limit, len(rows))):
            best = part[np.argsort(-qualities[part], kind="stable")[:_LOOKED_AT]]
            best = best[qualities[best] > 0]
            if len(best):
                slot = _Slot(int(table.ids[best[0]]), set(table.frames[best].tolist()))
                for row in best.tolist():
                    by_frame[int(table.frames[row])].append((row, float(qualities[row]), slot))
    return dict(by_frame)


def _view(frame: Frame, box: FloatArray) -> Image | None:
    """The part of the picture around a box; None where nothing of it is in the picture."""
    room = (box[2:] - box[:2]) * _ROOM
    left, top = np.floor(np.maximum(box[:2] - room, 0)).astype(int).tolist()
    right, bottom = np.ceil(np.minimum(box[2:] + room, frame.size)).astype(int).tolist()
    view: Image = frame.bgr[top:bottom, left:right]
    return view if min(right - left, bottom - top) >= _LEAST_SIDE else None


def _sharpness(view: Image) -> float:
    """The variance of the Laplacian, a usual measure of focus (Pech-Pacheco et al. 2000)."""
    gray = cv2.cvtColor(view, cv2.COLOR_BGR2GRAY)
    scale = _SHARPNESS_SIDE / max(gray.shape)
    if scale < 1:
        size = (max(1, round(gray.shape[1] * scale)), max(1, round(gray.shape[0] * scale)))
        gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(gray, cv2.CV_64F).var()) + 1.0


def _class_of(table: TrackTable, rows: IntArray) -> str:
    """The class of most rows of a track, as a name for a folder."""
    label = int(np.bincount(table.labels[rows].clip(0)).argmax())
    name = table.class_names[label] if label < len(table.class_names) else str(label)
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "object"
