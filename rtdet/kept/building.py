"""From the settings of a run to what of it concerns kept runs: one as its source, and the one that it becomes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from rtdet.config import RunConfig
from rtdet.detectors.selection import check_classes
from rtdet.errors import UsageError
from rtdet.ground.zones import read_text
from rtdet.kept.about import About, about_source, now, versions
from rtdet.kept.reading import KeptRun, is_kept_run
from rtdet.kept.replay import GraySource, KeptDetector, find_video
from rtdet.kept.reviewed import edits_of
from rtdet.kept.schema import KEPT_SUFFIX
from rtdet.kept.writing import KeepPlace, KeptRunWriter
from rtdet.protocols import Detector, Source
from rtdet.types import SourceInfo, Thresholds
from rtdet.video.sources.inputs import file_of

log = logging.getLogger("rtdet.kept")

# The settings of a run that are kept as they are.
_SETTINGS = (
    "tracker", "set", "camera_motion", "policy", "every", "imgsz", "precision", "start", "duration",
)  # fmt: skip


def kept_run_path(source: str) -> Path | None:
    """The file of the kept run that a source names; None where it names something else."""
    path = file_of(source)
    is_one = path is not None and (path.suffix.lower() == KEPT_SUFFIX or is_kept_run(path))
    return path if is_one else None


def video_of(source: str) -> str | None:
    """What `open_source` is given for a source: of a kept run its video, None where that is not to be found."""
    path = kept_run_path(source)
    if path is None:
        return source
    with closing(KeptRun(path)) as run:
        return find_video(run)


def kept_zones(source: str) -> str | None:
    """The text of the zones that are kept with the run that is the source; None where none are."""
    path = kept_run_path(source)
    if path is None:
        return None
    with closing(KeptRun(path)) as run:
        return run.document("zones")


def length_of_run(source: str) -> float | None:
    """How many seconds of its video a kept run has; None for another source, and where nobody knows."""
    path = kept_run_path(source)
    if path is None:
        return None
    with closing(KeptRun(path)) as run:
        times = run.frames.times_s[run.frames.has_tracks]
        if run.about.are_pictures or not len(times):
            return None
        first = max(float(run.about.settings.get("start") or 0.0), 0.0)
        fps = run.about.info.fps or 25.0
        return max(float(times[-1]) - min(first, float(times[0])) + 0.5 / fps, 1e-3)


def warn_of_edits(source: str) -> None:
    """Whoever goes through a kept run once more has its tracker's tracks, not the mended ones."""
    path = kept_run_path(source)
    if path is None:
        return
    with closing(KeptRun(path)) as run:
        done = len(edits_of(run).done)
    if done:
        log.warning(
            "%s was mended by hand (%d edit%s), but a run through it is not; rtdet track, rtdet tracks export and "
            "rtdet render have the mended tracks", path.name, done, "s" if done > 1 else "",
        )  # fmt: skip


def build_kept_source(config: RunConfig, path: Path, open_video: Callable[[RunConfig], Source]) -> Source:
    """The video of the kept run at `path`, opened by `open_video`, or grey pictures where that is not to be found."""
    with closing(KeptRun(path)) as run:
        video = find_video(run)
        start = config.start or float(run.about.settings.get("start") or 0.0)
        if video is not None:
            return open_video(replace(config, source=video, start=start))
        log.warning("the video of %s is not here; its boxes are shown on grey", run.path.name)
        return GraySource(run, config.start, config.max_megapixels)


def build_kept_detector(path: Path, thresholds: Thresholds) -> KeptDetector:
    """A detector that gives what the kept run at `path` holds. Raises UsageError for classes that it lacks."""
    detector = KeptDetector(KeptRun(path), thresholds)
    try:
        check_classes(detector.thresholds, detector.class_names)
    except UsageError:
        detector.close()
        raise
    return detector


def build_keeper(
    config: RunConfig,
    info: SourceInfo,
    detector: Detector,
    hash_of_model: Callable[[str], str],
    place: KeepPlace | None = None,
) -> KeptRunWriter | None:
    """What keeps the run, at `place` or where the config says; nothing is written before the first frame, and
    `hash_of_model` not asked for the SHA-256 of the model's file. Raises OutputError."""
    if place is None and config.keep is not None:
        place = KeepPlace(Path(config.keep))
    if place is None:
        return None
    zones = {} if config.zones is None else {"zones": read_text(config.zones)}
    return KeptRunWriter(
        place.path,
        lambda: _about(config, info, detector, hash_of_model(config.model)),
        zones,
        most_bytes=place.most_bytes,
        goes_on=place.goes_on,
        is_wanted=place.is_wanted,
    )


def _about(config: RunConfig, info: SourceInfo, detector: Detector, model_sha256: str) -> About:
    classes = config.classes or detector.thresholds.classes & frozenset(info.class_names)
    return About(
        **about_source(config.source, info, file_of(config.source)),
        model=config.model,
        model_sha256=model_sha256,
        class_names=tuple(detector.class_names),
        suppression=getattr(detector, "suppression", "none"),
        settings={
            **{name: getattr(config, name) for name in _SETTINGS},
            "conf": config.conf,
            "iou": config.iou,
            "max_det": config.max_det,
            "classes": sorted(classes),
        },
        began_at=now(),
        versions=versions(),
    )
