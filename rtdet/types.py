"""The values that travel through rtdet: Frame, Detections, Tracks, FrameResult.

All are frozen. Boxes are `xyxy` in pixels of the original image, `(N, 4)` float64; empty is
`(0, 4)`, never None. Shapes are checked where a value is made, so the rest of the code need not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import supervision

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Image = npt.NDArray[np.uint8]
_Value = TypeVar("_Value")


class Picture(Protocol):
    """A picture as a decoder gave it, upright: it becomes blue, green and red when somebody asks for them. From any
    thread; what is given out is shared, and copied by whoever writes to it."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        ...

    def bgr(self) -> Image:
        """All of it, (H, W, 3) uint8: converted at the first call, and kept."""
        ...

    def scaled(self, size: tuple[int, int]) -> Image:
        """(H, W, 3) uint8 BGR of `size` (width, height) as cv2.resize of `bgr()` with INTER_LINEAR makes it: the same
        bytes, or where that saves most of the work, the same colours but for roundings and the edges of chroma. What
        was converted for it is not kept."""
        ...

    def shrunk(self, size: tuple[int, int]) -> Image:
        """(H, W, 4) uint8 blue, green, red and 255, of `size` (width, height), which is no larger than the picture's:
        for the eye, each pixel the mean of those that it covers. At the picture's own size the colours of `bgr()`."""
        ...


def size_of(picture: Image | Picture) -> tuple[int, int]:
    """(width, height) in pixels of a picture or an (H, W, 3) array."""
    if isinstance(picture, np.ndarray):
        return picture.shape[1], picture.shape[0]
    return picture.size


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a source.

    picture:     what the source gave: (H, W, 3) uint8, blue-green-red, or a Picture, which becomes that on demand;
                 upright (rotation metadata already applied).
    t:           seconds on the source's own clock: container PTS, or the capture clock when live.
    index:       position in source order, from 0, counting frames that are dropped later.
    captured_at: time.monotonic() when the frame left the device or the decoder.
    pts, time_base: the container's own timestamp where there is one (t == pts * time_base minus
                 the stream's start), so that a recording can repeat it exactly.
    name:        the file's name when each frame is a file of its own (folders of images).
    """

    picture: Image | Picture
    t: float
    index: int
    captured_at: float = 0.0
    pts: int | None = None
    time_base: Fraction | None = None
    name: str = ""

    def __post_init__(self) -> None:
        image = self.picture
        if isinstance(image, np.ndarray) and (
            image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8
        ):
            raise ValueError(f"a frame is (H, W, 3) uint8, not {image.shape} {image.dtype}")

    @property
    def bgr(self) -> Image:
        """The picture as (H, W, 3) uint8, blue-green-red."""
        return self.picture if isinstance(self.picture, np.ndarray) else self.picture.bgr()

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return size_of(self.picture)


def _column(values: Any, count: int, dtype: type | None, what: str) -> Any:
    array: Any = np.asarray(values, dtype=dtype).reshape(-1)
    if len(array) != count:
        raise ValueError(f"{count} boxes but {len(array)} {what}")
    return array


def _boxes(values: Any) -> FloatArray:
    array: FloatArray = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        return array.reshape(0, 4)
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(f"boxes are (N, 4) xyxy, not {array.shape}")
    return array


def _made(kind: type[_Value], **fields: Any) -> _Value:
    """A value whose fields are already what its `__post_init__` would make of them: to look at each again would take
    the tracker of a small scene a tenth of its time."""
    value = object.__new__(kind)
    value.__dict__.update(fields)
    return value


def _points(values: Any, count: int) -> FloatArray | None:
    if values is None:
        return None
    array: FloatArray = np.asarray(values, dtype=np.float64)
    if array.ndim != 3 or array.shape[2] != 3 or len(array) != count:
        raise ValueError(f"key points of {count} boxes are ({count}, K, 3), not {array.shape}")
    return array


@dataclass(frozen=True, eq=False)
class Detections:
    """What a detector saw in one frame.

    boxes (N, 4) float64 xyxy pixels, scores (N,) float64 in [0, 1], labels (N,) int64 indices into
    `class_names`. scores default to 1 and labels to 0. points (N, K, 3): x, y in pixels and confidence of the key
    points of each, None where the detector gives none. Raises ValueError on shapes that do not fit.
    """

    boxes: FloatArray = field(default_factory=lambda: np.zeros((0, 4)))
    scores: FloatArray = None  # type: ignore[assignment]
    labels: IntArray = None  # type: ignore[assignment]
    class_names: Sequence[str] = ()
    points: FloatArray | None = None

    def __post_init__(self) -> None:
        boxes = _boxes(self.boxes)
        n = len(boxes)
        scores = np.ones(n) if self.scores is None else self.scores
        labels = np.zeros(n) if self.labels is None else self.labels
        object.__setattr__(self, "boxes", boxes)
        object.__setattr__(self, "scores", _column(scores, n, np.float64, "scores"))
        object.__setattr__(self, "labels", _column(labels, n, np.int64, "labels"))
        object.__setattr__(self, "class_names", tuple(self.class_names))
        object.__setattr__(self, "points", _points(self.points, n))

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, keep: Any) -> Detections:
        """The rows that an index array, a slice or a boolean mask selects."""
        boxes = self.boxes[keep]
        return _made(
            Detections,
            boxes=boxes if boxes.ndim == 2 else _boxes(boxes),
            scores=self.scores[keep],
            labels=self.labels[keep],
            class_names=self.class_names,
            points=None if self.points is None else self.points[keep],
        )

    def name_of(self, row: int) -> str:
        return _class_name(self.class_names, int(self.labels[row]))


@dataclass(frozen=True)
class InputSize:
    """The longer side of a network's input in pixels: `usual` where none is asked for; no other if `is_fixed`."""

    usual: int
    is_fixed: bool = False


@dataclass(frozen=True)
class Thresholds:
    """What a detector keeps: scores of at least `confidence`; of boxes of one class that overlap by more
    than `iou` (NMS) the best; the named `classes`, or groups of them as "vehicles" (empty: all); the
    `max_detections` best of a frame.

    low: scores from here on too, for a tracker that goes on with its tracks by them; None: no others.
    """

    confidence: float = 0.25
    iou: float = 0.5
    classes: frozenset[str] = frozenset()
    max_detections: int = 300
    low: float | None = None

    @property
    def least_score(self) -> float:
        """What a detector gives out scores at least this."""
        return self.confidence if self.low is None else min(self.low, self.confidence)


@dataclass(frozen=True, eq=False)
class Tracks:
    """Where each tracked object is at one moment, as far as the tracker knows.

    boxes (N, 4) float64 xyxy pixels, ids (N,) int64 from 1, scores (N,) float64 of the last
    matched detection, labels (N,) int64, since_update_s (N,) float64: seconds between that last
    detection and the moment described, 0 when it was seen in this very frame.
    uncertainty (N,) float64: standard deviation of where the box's centre is, over the square root of the
    box's area; 0 where it was just measured or the tracker cannot say.
    values: an (N,) array for each further value that is known of them, by the name of its column in track files.
    points (N, K, 3): x, y in pixels and confidence of the key points of each, as far as its last detection gave them;
    None where none has any.
    """

    boxes: FloatArray = field(default_factory=lambda: np.zeros((0, 4)))
    ids: IntArray = None  # type: ignore[assignment]
    scores: FloatArray = None  # type: ignore[assignment]
    labels: IntArray = None  # type: ignore[assignment]
    since_update_s: FloatArray = None  # type: ignore[assignment]
    class_names: Sequence[str] = ()
    uncertainty: FloatArray = None  # type: ignore[assignment]
    values: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    points: FloatArray | None = None

    def __post_init__(self) -> None:
        boxes = _boxes(self.boxes)
        n = len(boxes)

        def column(values: Any, default: Any, dtype: type, what: str) -> Any:
            return _column(default if values is None else values, n, dtype, what)

        object.__setattr__(self, "boxes", boxes)
        object.__setattr__(self, "ids", column(self.ids, np.zeros(n), np.int64, "ids"))
        object.__setattr__(self, "scores", column(self.scores, np.ones(n), np.float64, "scores"))
        object.__setattr__(self, "labels", column(self.labels, np.zeros(n), np.int64, "labels"))
        since = column(self.since_update_s, np.zeros(n), np.float64, "since_update_s")
        object.__setattr__(self, "since_update_s", since)
        uncertainty = column(self.uncertainty, np.zeros(n), np.float64, "uncertainties")
        object.__setattr__(self, "uncertainty", uncertainty)
        values = {name: _column(of_tracks, n, None, name) for name, of_tracks in self.values.items()}
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "class_names", tuple(self.class_names))
        object.__setattr__(self, "points", _points(self.points, n))

    @classmethod
    def of_arrays(
        cls,
        boxes: FloatArray,
        ids: IntArray,
        scores: FloatArray,
        labels: IntArray,
        since_update_s: FloatArray,
        class_names: tuple[str, ...],
        uncertainty: FloatArray,
    ) -> Tracks:
        """Tracks of arrays that are known to be of these types and of one length; nothing is checked."""
        return _made(
            cls,
            boxes=boxes,
            ids=ids,
            scores=scores,
            labels=labels,
            since_update_s=since_update_s,
            class_names=class_names,
            uncertainty=uncertainty,
            values={},
            points=None,
        )

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, keep: Any) -> Tracks:
        boxes = self.boxes[keep]
        return _made(
            Tracks,
            boxes=boxes if boxes.ndim == 2 else _boxes(boxes),
            ids=self.ids[keep],
            scores=self.scores[keep],
            labels=self.labels[keep],
            since_update_s=self.since_update_s[keep],
            class_names=self.class_names,
            uncertainty=self.uncertainty[keep],
            values={name: values[keep] for name, values in self.values.items()},
            points=None if self.points is None else self.points[keep],
        )

    def name_of(self, row: int) -> str:
        return _class_name(self.class_names, int(self.labels[row]))

    def to_supervision(self) -> supervision.Detections:
        """The same rows as `supervision.Detections`; needs the supervision package."""
        import supervision

        return supervision.Detections(
            xyxy=self.boxes.astype(np.float32),
            confidence=self.scores.astype(np.float32),
            class_id=self.labels.astype(int),
            tracker_id=self.ids.astype(int),
            data={"class_name": np.array([self.name_of(i) for i in range(len(self))])},
        )


def class_called(name: str, class_names: Sequence[str]) -> str | None:
    """Which of the class names a person means by `name`: that one itself, else the one that differs by capitals, or
    by `_` and `-` for blanks; None where there is none."""
    if name in class_names:
        return name
    plain = _plain(name)
    return next((known for known in class_names if _plain(known) == plain), None)


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


def _class_name(names: Sequence[str], label: int) -> str:
    return names[label] if 0 <= label < len(names) else str(label)


@dataclass(frozen=True, eq=False)
class FrameResult:
    """A frame with all that is known about it. `stage_ms` names each stage's time on it. is_carried: the detector did
    not look at it (--every); it has no detections, and its tracks are predicted to its time."""

    frame: Frame
    detections: Detections
    tracks: Tracks
    stage_ms: Mapping[str, float] = field(default_factory=dict)
    is_carried: bool = False


@dataclass(frozen=True)
class SourceInfo:
    """The properties of an open source.

    fps is nominal (None: unknown or variable), frame_count and duration_s may be estimates of the
    container's header (None: unknown). `detail` is a line for people: the granted camera format, codec.
    `decoder`: the codec and what decodes it, "h264 (cuda)" or "h264 (software)"; empty where nothing is decoded.
    `rotation` is the container's display rotation in degrees (already applied to the frames).
    `are_pictures`: the frames are single pictures that have nothing to do with each other; width and height are then
    the largest among them, and fps is by the second for which a slide show has each. Some may turn out to be
    unreadable: then the source replaces its info by one with a lower count.
    `class_names`: what is in it, where that is known; other classes are then not looked for unless asked for.
    `pixel_aspect` is the width of a pixel over its height on screen, in the upright picture (None: not known).
    """

    name: str
    width: int
    height: int
    fps: float | None = None
    frame_count: int | None = None
    duration_s: float | None = None
    is_live: bool = False
    is_seekable: bool = False
    detail: str = ""
    rotation: int = 0
    pixel_aspect: Fraction | None = None
    are_pictures: bool = False
    class_names: tuple[str, ...] = ()
    decoder: str = ""
