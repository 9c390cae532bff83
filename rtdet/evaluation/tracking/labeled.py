"""Truth and tracks of classes that have names: track files of every format, COCO video, MOTChallenge's truth."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rtdet.errors import SourceError, UnknownNameError
from rtdet.evaluation.tracking.rows import TrackRows, TruthRows
from rtdet.evaluation.tracking.scores import TrackingScores
from rtdet.evaluation.tracking.scoring import score_tracks
from rtdet.geometry.boxes import ltwh_to_xyxy
from rtdet.tracks.mot_rows import SUFFIX, read_rows
from rtdet.tracks.read_write import read_table
from rtdet.types import BoolArray, FloatArray, IntArray, class_called

log = logging.getLogger("rtdet.evaluation")

# MOTChallenge's classes, from 1.
_OF_MOT = (
    "pedestrian", "person on vehicle", "car", "bicycle", "motorbike", "non motorized vehicle", "static person",
    "distractor", "occluder", "occluder on ground", "occluder full", "reflection", "crowd",
)  # fmt: skip
_SAME = {"pedestrian": "person", "motorbike": "motorcycle"}
PERSON = "person"


@dataclass(frozen=True, eq=False)
class LabeledRows:
    """Rows as TrackRows has them, with the name of each one's class (N,) and whether it is a crowd (N,), which may be
    found or not. A class without a name is its number from 1."""

    frames: IntArray
    ids: IntArray
    boxes: FloatArray
    classes: tuple[str, ...]
    is_crowd: BoolArray

    @property
    def last_frame(self) -> int:
        return int(self.frames.max(initial=0))

    def _chosen(self, name: str, frames: Collection[int] | None) -> BoolArray:
        chosen = np.array([each == name for each in self.classes], dtype=bool)
        return chosen if frames is None else chosen & np.isin(self.frames, np.fromiter(frames, np.int64))

    def tracks_of(self, name: str, frames: Collection[int] | None = None) -> TrackRows:
        """Its rows of a class, in these frames or in all."""
        of = self._chosen(name, frames)
        return TrackRows(self.frames[of], self.ids[of], self.boxes[of])

    def truth_of(self, name: str, frames: Collection[int] | None = None) -> TruthRows:
        """The same, as what is to be found."""
        of = self._chosen(name, frames)
        crowd = self.is_crowd[of]
        return TruthRows(self.frames[of], self.ids[of], self.boxes[of], ~crowd, crowd)


def canonical(name: str) -> str:
    """A class's name in small letters; MOTChallenge's pedestrian is a person, its motorbike a motorcycle."""
    name = name.strip().lower()
    return _SAME.get(name, name)


def read_labeled(path: str | Path, *, seen_only: bool = False) -> LabeledRows:
    """A track file of any format that rtdet writes. `seen_only`: without rows of tracks that were not seen in the
    frame. Raises SourceError and UnknownNameError."""
    table = read_table(path)
    names = table.class_names
    keep = table.values["seen"] if seen_only else np.ones(len(table), dtype=bool)
    labels = table.labels[keep].tolist()
    classes = tuple(canonical(names[i]) if i < len(names) else str(i + 1) for i in labels)
    return LabeledRows(
        table.frames[keep], table.ids[keep], table.boxes[keep], classes, np.zeros(len(labels), bool)
    )


def read_mot_truth(path: Path) -> LabeledRows:
    """GT_ROOT/SEQ/gt/gt.txt with all its classes. Rows that are not to be considered count where they are no
    pedestrians: MOTChallenge considers no other class."""
    rows = read_rows(path)
    numbers = np.where(rows.has_class(), rows.classes(), 1).astype(np.int64)
    rows.refuse((numbers < 1) | (numbers > len(_OF_MOT)), f"a class is 1 to {len(_OF_MOT)}")
    keep = (np.trunc(rows.column(6)) != 0) | (numbers != 1)
    classes = tuple(canonical(_OF_MOT[number - 1]) for number in numbers[keep].tolist())
    boxes = ltwh_to_xyxy(rows.ltwh()[keep])
    return LabeledRows(rows.frames()[keep], rows.ids()[keep], boxes, classes, np.zeros(len(classes), bool))


def read_coco_video(path: Path) -> dict[str, LabeledRows] | None:
    """The sequences of a COCO video file by name (`videos`; `images` with `video_id` and `frame_id` or `frame_index`;
    `annotations` with `instance_id` or `track_id`, or per video with `bboxes`); None for another JSON."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SourceError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path} is not JSON") from error
    if not (isinstance(content, dict) and "videos" in content):
        return None
    try:
        return _sequences(content)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        why = str(error) if isinstance(error, ValueError) else repr(error)
        raise SourceError(f"{path} is not COCO video as rtdet knows it: {why}") from error


def _sequences(content: Mapping[str, Any]) -> dict[str, LabeledRows]:
    names = {category["id"]: canonical(str(category["name"])) for category in content["categories"]}
    videos = {video["id"]: str(video.get("name") or video["id"]) for video in content["videos"]}
    if len(set(videos.values())) < len(content["videos"]):
        raise ValueError("two of its videos have one name or id")
    rows: dict[Any, list[tuple[int, int, list[float], str, bool]]] = {video: [] for video in videos}
    frame_of = _frame_numbers(content.get("images") or ())
    for note in content["annotations"]:
        name, crowd = names[note["category_id"]], bool(note.get("iscrowd", 0) or note.get("ignore", 0))
        if "bboxes" in note:
            for i, box in enumerate(note["bboxes"], start=1):
                if box:
                    rows[note["video_id"]].append((i, int(note["id"]), box, name, crowd))
        else:
            video, frame = frame_of[note["image_id"]]
            track_id = note["instance_id"] if "instance_id" in note else note["track_id"]
            rows[video].append((frame, int(track_id), note["bbox"], name, crowd))
    return {videos[video]: _labeled(of) for video, of in rows.items()}


def _frame_numbers(images: Any) -> dict[Any, tuple[Any, int]]:
    """The video of each image and its frame from 1: of those counted from 0, one more."""
    found = {}
    for image in images:
        number = image["frame_id"] if "frame_id" in image else image["frame_index"]
        found[image["id"]] = image["video_id"], int(number)
    first = min((number for _, number in found.values()), default=1)
    return {key: (video, number + (first == 0)) for key, (video, number) in found.items()}


def _labeled(rows: list[tuple[int, int, list[float], str, bool]]) -> LabeledRows:
    boxes = np.array([row[2] for row in rows], dtype=np.float64).reshape(-1, 4)
    return LabeledRows(
        np.array([row[0] for row in rows], dtype=np.int64), np.array([row[1] for row in rows], dtype=np.int64),
        ltwh_to_xyxy(boxes), tuple(row[3] for row in rows), np.array([row[4] for row in rows], dtype=bool),
    )  # fmt: skip


def by_mot_numbers(rows: LabeledRows) -> LabeledRows:
    """Class numbers as MOTChallenge has them, by name."""
    names = {str(i): canonical(name) for i, name in enumerate(_OF_MOT, start=1)}
    return replace(rows, classes=tuple(names.get(name, name) for name in rows.classes))


def score_by_class(
    truth: LabeledRows,
    tracks: LabeledRows,
    classes: Collection[str],
    frames: Collection[int] | None = None,
) -> dict[str, TrackingScores]:
    """The scores of each of the classes."""
    count = max(truth.last_frame, tracks.last_frame) if frames is None else len(frames)
    return {
        name: score_tracks(truth.truth_of(name, frames), tracks.tracks_of(name, frames), count)
        for name in classes
    }


def classes_of(truths: Collection[LabeledRows], wanted: Collection[str]) -> tuple[str, ...]:
    """Those wanted, or all that the truths have. Raises UnknownNameError for one that no truth has."""
    known = sorted({name for truth in truths for name in truth.classes})
    if not wanted:
        return tuple(known)
    names = tuple(dict.fromkeys(canonical(name) for name in wanted))
    for name in names:
        if class_called(name, known) is None:
            raise UnknownNameError("class of the ground truth", name, known)
    return tuple(dict.fromkeys(class_called(name, known) or name for name in names))


def read_people(path: Path, *, seen_only: bool = False) -> TrackRows:
    """The people in a track file of any format, which MOTChallenge calls pedestrians: class 1 of a .txt, `person` or
    `pedestrian` elsewhere. Rows of other classes are left out."""
    rows = read_labeled(path, seen_only=seen_only)
    name = "1" if path.suffix.lower() == SUFFIX else PERSON
    others = sorted(set(rows.classes) - {name})
    if others and name not in rows.classes and path.suffix.lower() != SUFFIX:
        log.warning("%s has no %s: its classes are %s", path, PERSON, ", ".join(others))
    return rows.tracks_of(name)
