"""What the viewer needs from the rest of rtdet, as callables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rtdet.config import RunConfig
from rtdet.kept.writing import KeepPlace
from rtdet.types import SourceInfo
from rtdet.video.draw import DrawStyle

if TYPE_CHECKING:
    from rtdet.doctor.report import Report
    from rtdet.pipeline import Pipeline
    from rtdet.protocols import Detector, Sink, Tracker
    from rtdet.video.sources import CameraInfo

Style = Callable[[], DrawStyle]


@dataclass(frozen=True)
class Services:
    """The callables that the viewer uses. All of them may take seconds and may raise RtdetError, so they are called
    from a worker thread, except `model_names` and `tracker_names`.

    open_pipeline gives a pipeline for `config.source` that is not started (paced, LATEST, sinks get what is
    shown). Its second argument gives the detector, perhaps one that was used before; it must outlive the
    pipeline (keep_detector). Then comes where the run is kept, and among how many sources the machine is shared.
    open_recording's sink gets a file's frames as
    they are shown, jumps and all, and adds the sound that belongs to them; of a live source the times are continuous
    and `config.source` is empty. Both ask for the style of each picture that they record, from a thread of their own.
    examine looks at this computer, for some seconds, and tells its argument of each part that it begins with.
    """

    open_pipeline: Callable[[RunConfig, Callable[[], Detector], Style, KeepPlace | None, int], Pipeline]
    make_detector: Callable[[RunConfig], Detector]
    make_tracker: Callable[[RunConfig, SourceInfo], Tracker | None]
    model_names: Callable[[], list[str]]
    tracker_names: Callable[[], list[str]]
    list_cameras: Callable[[], list[CameraInfo]]
    open_recording: Callable[[Path, SourceInfo, RunConfig, Style], Sink]
    examine: Callable[[Callable[[str], object]], Report]
