"""rtdet detects and tracks objects in video, in real time, on the machine you already have.

    import rtdet
    for result in rtdet.run("street.mp4"):
        print(result.frame.t, result.tracks.ids, result.tracks.boxes)

Names load when first used, so that `import rtdet` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtdet.batch.api import run_batch as run_batch
    from rtdet.build import run as run
    from rtdet.config import RunConfig as RunConfig
    from rtdet.detectors.registry import load_detector as load_detector
    from rtdet.errors import DownloadError as DownloadError
    from rtdet.errors import ModelError as ModelError
    from rtdet.errors import OutputError as OutputError
    from rtdet.errors import RtdetError as RtdetError
    from rtdet.errors import SourceError as SourceError
    from rtdet.errors import UnknownModelError as UnknownModelError
    from rtdet.errors import UnknownNameError as UnknownNameError
    from rtdet.errors import UsageError as UsageError
    from rtdet.many_sources import run_many as run_many
    from rtdet.protocols import Detector as Detector
    from rtdet.protocols import Sink as Sink
    from rtdet.protocols import Source as Source
    from rtdet.protocols import Tracker as Tracker
    from rtdet.trackers.registry import load_tracker as load_tracker
    from rtdet.training.api import train as train
    from rtdet.training.settings import TrainingSettings as TrainingSettings
    from rtdet.types import Detections as Detections
    from rtdet.types import Frame as Frame
    from rtdet.types import FrameResult as FrameResult
    from rtdet.types import SourceInfo as SourceInfo
    from rtdet.types import Thresholds as Thresholds
    from rtdet.types import Tracks as Tracks
    from rtdet.video.sources import open_source as open_source

__version__ = "0.1.0"

_HOMES = {
    "run": "rtdet.build",
    "run_many": "rtdet.many_sources",
    "run_batch": "rtdet.batch.api",
    "RunConfig": "rtdet.config",
    "load_detector": "rtdet.detectors.registry",
    "load_tracker": "rtdet.trackers.registry",
    "open_source": "rtdet.video.sources",
    "train": "rtdet.training.api",
    "TrainingSettings": "rtdet.training.settings",
    **dict.fromkeys(
        [
            "DownloadError", "ModelError", "OutputError", "RtdetError",
            "SourceError", "UnknownModelError", "UnknownNameError", "UsageError",
        ],
        "rtdet.errors",
    ),
    **dict.fromkeys(["Detector", "Sink", "Source", "Tracker"], "rtdet.protocols"),
    **dict.fromkeys(["Detections", "Frame", "FrameResult", "SourceInfo", "Thresholds", "Tracks"], "rtdet.types"),
}  # fmt: skip

__all__ = [  # noqa: RUF022
    "run", "run_many", "run_batch", "load_detector", "load_tracker", "open_source", "train",
    "RunConfig", "TrainingSettings",
    "Frame", "Detections", "Tracks", "FrameResult", "SourceInfo", "Thresholds",
    "Source", "Detector", "Tracker", "Sink",
    "RtdetError", "UsageError", "UnknownNameError", "SourceError", "ModelError", "UnknownModelError", "DownloadError",
    "OutputError",
    "__version__",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rtdet' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
