"""The trackers by name, and their settings."""

from __future__ import annotations

import inspect
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rtdet.errors import UnknownNameError, UsageError
from rtdet.protocols import Tracker, TwoStageTracker
from rtdet.types import SourceInfo


def _sort() -> type[Tracker]:
    from rtdet.trackers.sort import Sort

    return Sort


def _bytetrack() -> type[Tracker]:
    from rtdet.trackers.bytetrack import ByteTrack

    return ByteTrack


def _ocsort() -> type[Tracker]:
    from rtdet.trackers.ocsort import OCSort

    return OCSort


def _rtdet() -> type[Tracker]:
    from rtdet.trackers.rtdet import RtdetTracker

    return RtdetTracker


# Name to a function that imports and gives the class. A class's keyword arguments are the tracker's settings.
TRACKERS: dict[str, Callable[[], type[Tracker]]] = {
    "rtdet": _rtdet,
    "sort": _sort,
    "bytetrack": _bytetrack,
    "ocsort": _ocsort,
}


def load_tracker(name: str, *, confidence: float | None = None, **settings: Any) -> Tracker:
    """A new tracker: `load_tracker("rtdet", confidence=0.25, max_age_s=2.0)`.

    confidence: the lowest score that begins a track, as `--conf` of a run, whose default is .25; pass your detector's
    threshold. Without it a tracker begins tracks as its paper has it, for the scores of benchmarks' detections: rtdet
    and bytetrack from .7 on, ocsort .6, sort .25; with the scores of many other detectors that is few tracks.
    settings: the tracker's own, those of `--set` (`rtdet track --help` lists them).
    Raises UnknownNameError for a name or a setting that does not exist, UsageError for a value that does
    not fit.

    >>> tracker = rtdet.load_tracker("bytetrack", fps=25.0)
    >>> for i in range(20):  # a box that moves 2 pixels a frame
    ...     found = rtdet.Detections(boxes=[[10 + 2 * i, 10, 50 + 2 * i, 90]], scores=[0.9])
    ...     tracks = tracker.update(found, t=i / 25)
    >>> tracks.ids.tolist()
    [1]
    >>> tracker.predict(t=20 / 25).boxes.round().tolist()  # where it will be in the next frame
    [[50.0, 10.0, 90.0, 90.0]]
    """
    known = tracker_settings(name)
    for key, value in settings.items():
        if key not in known:
            raise UnknownNameError(f"setting of {name}", key, known)
        _check(name, known[key], value)
    if confidence is None:
        return TRACKERS[name]()(**settings)
    if not 0 <= confidence <= 1:
        raise UsageError(f"the confidence that begins a track is between 0 and 1, not {confidence:g}")
    # Of the trackers that begin tracks by whatever passes a threshold, the setting is that threshold.
    if "min_score" in known:
        settings = {"min_score": confidence, **settings}
    tracker = TRACKERS[name]()(**settings)
    if isinstance(tracker, TwoStageTracker):
        tracker.set_confidence(confidence)
    return tracker


def load_tracker_for(name: str, info: SourceInfo, texts: Iterable[str] = ()) -> Tracker:
    """The tracker as the app runs it on a source. The app's own defaults are set only here.

    SORT tracks all that passes the detector's threshold. A two-stage tracker begins tracks from that threshold on,
    as the pipeline tells it. A track once shown is shown again at its next detection. Where the source's frame rate
    is known and plausible, tracks move by true time and live on for a second unseen. The user's own settings,
    KEY=VALUE, win; `high` and `new` where they ask for more than that threshold.
    """
    choices: dict[str, Any] = {"min_score": 0.0, "confirm_once": True, "new_margin": 0.0}
    if info.fps is not None and 1 <= info.fps <= 240:
        choices |= {"fps": float(info.fps), "max_age": max(3, round(info.fps))}
    known = tracker_settings(name)
    choices = {key: value for key, value in choices.items() if key in known}
    return load_tracker(name, **choices | parse_settings(name, texts))


def tracker_settings(name: str) -> dict[str, inspect.Parameter]:
    """The settings of a tracker with their types (`annotation`, a string) and defaults, in order."""
    if name not in TRACKERS:
        raise UnknownNameError("tracker", name, TRACKERS)
    return dict(inspect.signature(TRACKERS[name]()).parameters)


def parse_setting(name: str, key: str, text: str) -> Any:
    """The value that `text` ("30", "0.5", "true", "none") means for a setting of the tracker `name`."""
    known = tracker_settings(name)
    if key not in known:
        raise UnknownNameError(f"setting of {name}", key, known)
    value: Any = text
    if text.strip().lower() in _WORDS:
        value = _WORDS[text.strip().lower()]
    else:
        for number in (int, float):
            try:
                value = number(text)
                break
            except ValueError:
                continue
    if str(known[key].annotation) == "bool" and value in (0, 1):
        value = bool(value)
    _check(name, known[key], value)
    return value


def parse_settings(name: str, texts: Iterable[str]) -> dict[str, Any]:
    """The keyword arguments of `load_tracker` that KEY=VALUE texts mean: `max_age_s=2`, or for one class,
    `max_age_s.person=2`. Raises UsageError and UnknownNameError as `load_tracker` does."""
    settings: dict[str, Any] = {}
    by_class: dict[str, dict[str, float]] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--set takes KEY=VALUE, not {text!r}")
        key, dot, class_name = key.strip().partition(".")
        key = key.replace("-", "_")
        if not dot:
            settings[key] = parse_setting(name, key, value)
        elif "per_class" not in tracker_settings(name):
            raise UsageError(f"{name} has no settings by class; use --set {key}={value} for all of them")
        else:
            by_class.setdefault(class_name.strip(), {})[key] = parse_setting(name, key, value)
    return settings | ({"per_class": by_class} if by_class else {})


def check_classes(name: str, texts: Iterable[str], class_names: Sequence[str]) -> None:
    """Raises UnknownNameError where one of the KEY=VALUE texts is for a class that is none of `class_names`, and
    UsageError where there are no names and it gives no number."""
    from rtdet.trackers.settings import labels_of

    for class_name in parse_settings(name, texts).get("per_class", ()):
        if labels_of(class_name, class_names):
            continue
        if class_names:
            raise UnknownNameError("class", class_name, class_names)
        raise UsageError(f"classes have no names here, only numbers from 0: not --set KEY.{class_name}")


_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False, "none": None}
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "float | None": "a number or none",
    "ByClass | None": "settings by class, as in max_age_s.person=2",
}


def _check(tracker: str, setting: inspect.Parameter, value: Any) -> None:
    kind = str(setting.annotation)
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    fits = {
        "int": is_number and isinstance(value, numbers.Integral),
        "float": is_number and value == value,
        "bool": isinstance(value, bool),
        "float | None": value is None or is_number,
        "ByClass | None": value is None or isinstance(value, Mapping),
    }[kind]
    if not fits:
        raise UsageError(f"{setting.name} of {tracker} must be {_KINDS[kind]}, not {value!r}")
