"""The viewer's state, free of Qt: what is open, what is set, what went wrong. Widgets listen to it.

One AppState belongs to one thread (the GUI's). Whoever changes a field tells every watcher at once, in the
order in which they began to watch; setting a field to what it already is tells nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtdet.config import RunConfig
from rtdet.types import SourceInfo, Thresholds

if TYPE_CHECKING:
    from rtdet.pipeline import Pipeline
    from rtdet.protocols import Detector, Sink, Tracker
    from rtdet.video.sources import CameraInfo

RECENT_LIMIT = 10


class Phase(Enum):
    """What the picture is doing."""

    EMPTY = "empty"
    LOADING = "loading"
    PLAYING = "playing"
    PAUSED = "paused"
    ENDED = "ended"


class Severity(Enum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Message:
    """One line for the person in front of the window. `retry`: opening the source again may help."""

    text: str
    severity: Severity = Severity.INFO
    retry: bool = False


@dataclass(frozen=True)
class Services:
    """What the viewer may ask for, without knowing who does it. All of these may take seconds and may raise
    RtdetError, so they are called from a worker thread, except `model_names` and `tracker_names`.

    open_pipeline gives a pipeline for `config.source` that is not started (paced, LATEST, sinks get what is
    shown). Its second argument gives the detector, perhaps one that was used before; it must outlive the
    pipeline (keep_detector). open_recording's sink gets frames whose times begin at 0, whatever part of the
    source they show; `config.source` is empty, so that no sound is added that would not fit.
    """

    open_pipeline: Callable[[RunConfig, Callable[[], Detector]], Pipeline]
    make_detector: Callable[[RunConfig], Detector]
    make_tracker: Callable[[str, SourceInfo], Tracker | None]
    model_names: Callable[[], list[str]]
    tracker_names: Callable[[], list[str]]
    list_cameras: Callable[[], list[CameraInfo]]
    open_recording: Callable[[Path, SourceInfo, RunConfig], Sink]


@dataclass(frozen=True)
class Rates:
    """What the numbers on screen say: frames per second now, the age of the picture, objects, drops."""

    capture_fps: float = 0.0
    inference_fps: float = 0.0
    display_fps: float = 0.0
    age_ms: float | None = None
    objects: int = 0
    dropped: int = 0


@dataclass(eq=False)
class AppState:
    """Every field can be watched by its name.

    source:      as the user named it ("" until something is opened).
    loading:     what is being waited for, as a line for the user; "" when nothing is.
    selection:   names of the classes to keep; None keeps all of them, an empty set keeps nothing.
    position_s:  time of the picture on screen, on the source's clock.
    model, tracker: the names that are wanted; the session follows, and puts the old name back if it cannot.
    camera_motion: the tracker is told how the camera itself moves.
    recording:   the file that is being written, or None.
    """

    phase: Phase = Phase.EMPTY
    source: str = ""
    source_info: SourceInfo | None = None
    reconnecting: bool = False
    loading: str = ""
    position_s: float = 0.0
    model: str = "rtdet-n"
    tracker: str = "rtdet"
    camera_motion: bool = False
    confidence: float = 0.25
    iou: float = 0.5
    class_names: tuple[str, ...] = ()
    selection: frozenset[str] | None = None
    recording: Path | None = None
    message: Message | None = None
    rates: Rates = Rates()
    loop: bool = False
    show_boxes: bool = True
    show_labels: bool = True
    show_trails: bool = True
    show_numbers: bool = False
    panel_open: bool = True
    recent: tuple[str, ...] = ()
    last_folder: str = ""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__ and self.__dict__[name] == value:
            return
        object.__setattr__(self, name, value)
        for watcher in tuple(self._watchers.get(name, ())):
            watcher(value)

    @property
    def _watchers(self) -> dict[str, list[Callable[[Any], None]]]:
        watchers: dict[str, list[Callable[[Any], None]]] = self.__dict__.setdefault("_watched", {})
        return watchers

    def watch(self, name: str, watcher: Callable[[Any], None], *, now: bool = False) -> Callable[[], None]:
        """Calls `watcher(value)` after each change of the field (and at once, with `now`). Returns a
        function that ends it. Raises AttributeError for a field that does not exist."""
        value = getattr(self, name)
        watchers = self._watchers.setdefault(name, [])
        watchers.append(watcher)
        if now:
            watcher(value)

        def unwatch() -> None:
            if watcher in watchers:
                watchers.remove(watcher)

        return unwatch

    # What follows from the fields.

    @property
    def is_open(self) -> bool:
        """Something is on screen that plays, or could."""
        return self.source_info is not None

    @property
    def can_seek(self) -> bool:
        info = self.source_info
        return info is not None and info.is_seekable and not info.is_live and bool(info.duration_s)

    @property
    def duration_s(self) -> float | None:
        return self.source_info.duration_s if self.source_info else None

    def keeps(self, class_name: str) -> bool:
        return self.selection is None or class_name in self.selection

    def thresholds(self, base: Thresholds) -> Thresholds:
        """`base` with what the user set here. Thresholds say "all classes" by naming none, so an empty
        selection is said by keeping no detections at all."""
        classes = frozenset() if self.selection is None else self.selection
        if self.class_names:
            classes &= frozenset(self.class_names)
        nothing = self.selection is not None and not classes
        limit = 0 if nothing else base.max_detections
        return replace(base, confidence=self.confidence, iou=self.iou, classes=classes, max_detections=limit)

    # What the user does to it.

    def learn_classes(self, names: Collection[str]) -> None:
        """Takes over a model's classes. A selection keeps what the new model knows too; a selection of
        which nothing is left becomes "all"."""
        names = tuple(names)
        if names == self.class_names:
            return
        kept = None if self.selection is None else self.selection & frozenset(names)
        self.class_names = names
        if self.selection:
            self.selection = kept or None

    def select(self, class_name: str, keep: bool) -> None:
        """Adds a class to the selection or takes it out; with every class in it, it is None again."""
        everything = frozenset(self.class_names)
        chosen = everything if self.selection is None else self.selection & everything
        chosen = chosen | {class_name} if keep else chosen - {class_name}
        self.selection = None if chosen == everything else chosen

    def add_recent(self, source: str) -> None:
        others = tuple(name for name in self.recent if name != source)
        self.recent = (source, *others)[:RECENT_LIMIT]

    def say(self, text: str, severity: Severity = Severity.INFO, *, retry: bool = False) -> None:
        """Shows one line in the window. An error on screen is not replaced by a mere notice."""
        now = self.message
        if now is not None and now.severity is Severity.ERROR and severity is Severity.INFO:
            return
        self.message = Message(" ".join(text.split()), severity, retry)

    # Between two runs of the viewer.

    def remembered(self) -> dict[str, Any]:
        """What the next viewer should start with: plain strings, numbers, booleans and lists of strings."""
        values = {name: getattr(self, name) for name in _REMEMBERED}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def recall(self, values: Mapping[str, Any], *, keep: Collection[str] = ()) -> None:
        """Takes back what `remembered` gave, also when a settings file turned all of it into text. Fields
        in `keep`, unknown names and values that make no sense are left as they are."""
        for name in _REMEMBERED:
            if name in values and name not in keep:
                value = _restore(getattr(self, name), values[name])
                if value is not None:
                    setattr(self, name, value)

    def follow(self, config: RunConfig) -> None:
        """Takes over what a run's configuration says."""
        self.model, self.tracker, self.camera_motion = config.model, config.tracker, config.camera_motion
        self.confidence, self.iou = config.conf, config.iou
        self.selection = frozenset(config.classes) or None

    def as_config(self, base: RunConfig, source: str, start: float = 0.0) -> RunConfig:
        """The configuration that opens `source` as the window stands now."""
        known = frozenset(self.class_names)
        chosen = self.selection if self.selection and (not known or self.selection <= known) else ()
        return replace(
            base,
            source=source,
            start=max(start, 0.0),
            model=self.model,
            tracker=self.tracker,
            # Settings are for the tracker that they came with, not for one chosen in the window.
            set=base.set if self.tracker == base.tracker else (),
            camera_motion=self.camera_motion,
            conf=self.confidence,
            iou=self.iou,
            classes=tuple(sorted(chosen)),
        )


_REMEMBERED = (
    "model", "tracker", "camera_motion", "confidence", "iou", "loop", "show_boxes", "show_labels", "show_trails",
    "show_numbers", "panel_open", "recent", "last_folder",
)  # fmt: skip
_CONFIG_FIELDS = {
    "model": "model",
    "tracker": "tracker",
    "camera_motion": "camera_motion",
    "conf": "confidence",
    "iou": "iou",
}


def fields_given(config: RunConfig, given: Collection[str] | None = None) -> frozenset[str]:
    """The AppState fields that the user set on purpose, which what was remembered must not overrule:
    those of the RunConfig fields in `given`, or, where that is unknown, of those that are not the default."""
    default = RunConfig()
    return frozenset(
        field
        for name, field in _CONFIG_FIELDS.items()
        if (getattr(config, name) != getattr(default, name) if given is None else name in given)
    )


def _restore(like: Any, value: Any) -> Any:
    """`value` as the type of `like`, or None where it cannot be."""
    if isinstance(like, bool):
        return {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())
    if isinstance(like, float):
        try:
            number = float(value)
        except (TypeError, ValueError):
            return None
        return number if 0 <= number <= 1 else None
    if isinstance(like, tuple):
        items = [value] if isinstance(value, str) else value
        return tuple(str(item) for item in items if item) if isinstance(items, (list, tuple)) else None
    return value if isinstance(value, str) and value else None
