"""The protocols of sources, detectors, trackers and sinks. The pipeline knows no more about its parts than this."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from enum import Enum
from typing import Protocol, runtime_checkable

from rtdet.types import (
    Detections,
    FloatArray,
    Frame,
    FrameResult,
    Image,
    SourceInfo,
    Thresholds,
    Tracks,
)


class SourceState(Enum):
    """Whether a source runs, is reconnecting or has ended; shown to the user."""

    OPEN = "open"
    RECONNECTING = "reconnecting"
    ENDED = "ended"


@runtime_checkable
class Source(Protocol):
    """Yields frames in order. Opened by its constructor, which raises SourceError.

    `read` blocks until a frame is there and returns None once at the end and ever after. It raises
    SourceError when the source is lost for good. `close` may be called from another thread, more than
    once, and makes a blocked `read` return None within a second. A seekable source
    (`info.is_seekable`) also has `seek(t)`: the next `read` gives the first frame with Frame.t >= t
    (within half a frame). One whose device may be busy for longer than `close` waits has `is_released`, False
    until a thread of its own has left the device.
    """

    info: SourceInfo
    state: SourceState

    def read(self) -> Frame | None: ...

    def close(self) -> None: ...


@runtime_checkable
class SeekableSource(Source, Protocol):
    def seek(self, t: float) -> None: ...


@runtime_checkable
class NumberedSource(Source, Protocol):
    """A source that can say when a frame is that it has not read yet."""

    def time_of(self, index: int) -> float | None:
        """Frame.t of the frame `index`, of the last one for a number beyond it; None where that is not known. May
        read the file through; from any thread, also after `close`."""
        ...


@runtime_checkable
class Detector(Protocol):
    """Finds objects. `detect` takes any number of (H, W, 3) uint8 BGR images of any sizes and returns
    one Detections for each, in pixels of that image, sorted by falling score. Raises ModelError.

    `thresholds` may be replaced at any moment by another thread and holds from the next image on.
    Images are pipelined inside: a longer list is faster per image than one at a time. One whose input can be of
    more than one size, or that can say that it cannot, has `input_size: InputSize`. One that thins out its boxes by
    NMS for each class, at `thresholds.iou`, and nothing else, may say so: `suppression` is then "nms", or "diou"
    where it goes by distance-IoU (geometry.boxes.diou); "none" for any other way. One that measures its parts has
    `last_ms`: of its last call, milliseconds per picture of `preprocess`, `infer` and `suppress`. One whose
    `takes_pictures` is true takes Pictures too in place of arrays, and converts of them what it needs."""

    class_names: Sequence[str]
    thresholds: Thresholds

    def detect(self, images: Sequence[Image]) -> list[Detections]: ...

    def close(self) -> None: ...


@runtime_checkable
class StreamingDetector(Detector, Protocol):
    """A detector that looks at pictures while what it found in others is put to use. A run over a file then asks
    `detect_each`, and not `detect`; `last_ms` is that of the pictures whose answers it gave last."""

    def detect_each(self, images: Iterable[Image]) -> Generator[Detections]:
        """As `detect`, one Detections after another and in order. It takes pictures when it has room for them, some
        before it gives what is in those it has; without them it gives what is left. May be closed at any moment."""
        ...


@runtime_checkable
class FrameDetector(Detector, Protocol):
    """A detector that goes by more than the picture; `detect_frames` is then asked, and nothing else. None for a
    frame of which it knows nothing: the frame is dropped."""

    def detect_frames(self, frames: Sequence[Frame]) -> list[Detections | None]: ...

    def carries(self, frame: Frame) -> bool:
        """Whether nobody looked at this frame, and the tracks were carried to it; it is then not asked about."""
        ...

    def camera_step(self, frame: Frame) -> FloatArray | None:
        """The camera's transform (2, 3) to this frame, where it is known without looking at pictures: from the last
        one that it does not carry."""
        ...


@runtime_checkable
class QueuingDetector(Detector, Protocol):
    """A detector that looks at others' pictures too, so that each waits for its turn."""

    def detect_newest(self, newest: Callable[[], Image]) -> Detections:
        """As `detect` for one picture, which `newest` gives once its turn has come: from another thread, at most
        once. What it raises is raised here, and is nobody else's error."""
        ...


@runtime_checkable
class Tracker(Protocol):
    """Gives detections steady IDs. `t` is the frame's own time in seconds.

    IDs belong to the instance and start at 1; `reset` starts over, IDs included. `predict(t)` says
    where the confirmed tracks are at `t`, and changes nothing.
    """

    def update(self, detections: Detections, t: float) -> Tracks: ...

    def predict(self, t: float) -> Tracks: ...

    def reset(self) -> None: ...


@runtime_checkable
class TwoStageTracker(Tracker, Protocol):
    """A tracker that goes on with its tracks by detections that score too low to begin one.

    In a pipeline it gets what scores at least `low`, or the user's confidence where that is lower. It is told that
    confidence before every update, and between two when the user changes it: nothing below begins a track,
    and a track none of whose detections has scored as much is not given out, by `update` or `predict`.
    Before the first call its own settings say what begins a track.
    """

    low: float

    def set_confidence(self, confidence: float) -> None: ...


class TrackMeter(Protocol):
    """Measures further values of tracks as a run goes on: their speed.

    names: of the values, which `update` and `at` add to `Tracks.values`. `update` is told of each new frame, with the
    picture's size (width, height); `at(tracks, t)` says what they are at `t`, and changes nothing; `reset` starts
    over.
    """

    @property
    def names(self) -> tuple[str, ...]: ...

    def update(self, tracks: Tracks, t: float, size: tuple[int, int] | None) -> Tracks: ...

    def at(self, tracks: Tracks, t: float) -> Tracks: ...

    def reset(self) -> None: ...


@runtime_checkable
class CompensatingTracker(Tracker, Protocol):
    """A tracker that can use the camera's own motion.

    `move_camera` comes right before an update, where the motion is known: a point (x, y) of the picture of the
    last update is at transform @ (x, y, 1) in that of the next one. `transform` (2, 3) is a similarity (shift,
    zoom, roll).
    """

    def move_camera(self, transform: FloatArray) -> None: ...


class FollowedPoints(Protocol):
    """Points of one picture found again in the next."""

    def transform(self, boxes: FloatArray) -> FloatArray | None:
        """The camera's step (2, 3), as CompensatingTracker takes it, from the points outside the boxes (N, 4) of the
        next picture's objects; None where they do not tell."""


class CameraMotion(Protocol):
    """Follows the scene from picture to picture. `read` gives None where there is no picture to go on from: after
    `reset`, and where the size has changed."""

    def read(self, image: Image) -> FollowedPoints | None: ...

    def reset(self) -> None: ...


@runtime_checkable
class Sink(Protocol):
    """Takes results in order. Raises OutputError; `close` completes the output and may be called twice.

    In a window sinks get every frame that is shown, with the tracks predicted to it; one whose
    `wants_results` is true gets the tracker's results."""

    def write(self, result: FrameResult) -> None: ...

    def close(self) -> None: ...
