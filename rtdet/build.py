"""The composition root: a RunConfig in, connected objects out. The only room that sees every other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import fields, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from rtdet.backends.machine import core_count
from rtdet.config import RunConfig
from rtdet.counting.building import build_counting
from rtdet.counting.sink import CountSink
from rtdet.detectors.registry import files_of_model, load_detector, model_card, model_names, weights_of
from rtdet.detectors.selection import thresholds_of
from rtdet.doctor.report import Report
from rtdet.errors import RtdetError, UnknownNameError, UsageError
from rtdet.ground import SpeedMeter, read_scale, scale_in_text
from rtdet.kept.about import sha256_of
from rtdet.kept.building import (
    build_keeper,
    build_kept_detector,
    build_kept_source,
    kept_run_path,
    kept_zones,
    length_of_run,
    video_of,
    warn_of_edits,
)
from rtdet.kept.writing import KeepPlace
from rtdet.overwriting import refuse_overwriting, refuse_overwriting_in
from rtdet.pipeline import Pipeline, Policy
from rtdet.protocols import Detector, Sink, Source, Tracker, TrackMeter
from rtdet.source_list import NamedRun, name_runs
from rtdet.trackers.optical_flow import OpticalFlow
from rtdet.trackers.registry import TRACKERS, check_classes, load_tracker, load_tracker_for, parse_settings
from rtdet.tracks import open_track_file
from rtdet.types import FrameResult, SourceInfo
from rtdet.video.draw import DrawStyle
from rtdet.video.recording import PacketCopy, is_folder, open_recording
from rtdet.video.sources import list_cameras, open_source
from rtdet.video.sources.inputs import file_of, files_of_source
from rtdet.viewer.services import Services

log = logging.getLogger("rtdet.build")

POLICIES = {"auto": None, "every": Policy.WAIT, "latest": Policy.LATEST}
# Frames handed to a detector that does not stream, where every frame counts: enough to keep its requests in flight.
_BATCH = 8


def tracker_names() -> list[str]:
    """The names that --tracker accepts."""
    return [*sorted(TRACKERS), "none"]


def build_source(config: RunConfig, packets: PacketCopy | None = None, decoder_threads: int = 0) -> Source:
    """The source that the config names; of a kept run its video, or grey pictures where that is not to be found.
    `packets` copies what is read of a file or a stream; UsageError where a source has none. At most `decoder_threads`
    decode it; 0: one for each core."""
    path = kept_run_path(config.source)
    if path is None:
        return _open(config, packets, decoder_threads)
    if packets is not None:
        raise UsageError(f"{path} is a kept run, without packets that --save-raw could copy; name its video")
    return build_kept_source(config, path, partial(_open, decoder_threads=decoder_threads))


def _open(config: RunConfig, packets: PacketCopy | None = None, decoder_threads: int = 0) -> Source:
    return open_source(
        config.source,
        start_s=config.start,
        taken_as=config.taken_as,
        video_track=config.video_track,
        max_megapixels=config.max_megapixels,
        packets=packets,
        hwaccel=config.hwaccel,
        decoder_threads=decoder_threads,
    )


def share_of_cores(sources: int) -> int:
    """How many threads decode each of so many sources that run at a time, as `build_source` takes it."""
    return max(1, core_count() // sources) if sources > 1 else 0


def build_detector(config: RunConfig) -> Detector:
    """The detector that the config names; for a kept run one that gives what was kept."""
    path = kept_run_path(config.source)
    if path is not None:
        return build_kept_detector(path, thresholds_of(config))
    return load_detector(
        config.model,
        thresholds=thresholds_of(config),
        device=config.device,
        backend=config.backend,
        precision=config.precision,
        imgsz=config.imgsz,
        head=config.head,
        input=config.input,
        offline=config.offline,
    )


def build_tracker(name: str, info: SourceInfo, texts: Sequence[str] = ()) -> Tracker | None:
    """The tracker as the app uses it on a source, with the settings KEY=VALUE; None for "none", and where
    the source's pictures have nothing to do with each other."""
    check_tracker(name, texts)
    return None if name == "none" or info.are_pictures else load_tracker_for(name, info, texts)


def check_tracker(name: str, texts: Sequence[str] = ()) -> None:
    """Raises UnknownNameError for an unknown tracker, and for wrong settings the errors of `load_tracker`."""
    if name not in tracker_names():
        raise UnknownNameError("tracker", name, tracker_names())
    if name == "none" and texts:
        raise UsageError(f"--tracker none has no settings; leave out --set {texts[0]}")
    if name != "none":
        load_tracker(name, **parse_settings(name, texts))


def build_meter(config: RunConfig) -> TrackMeter | None:
    """What measures speeds, where the config's zones file, or else the kept run that is its source, has a
    scale of the ground. Raises SourceError."""
    if config.zones is not None:
        scale = read_scale(config.zones)
    else:
        text = kept_zones(config.source)
        scale = None if text is None else scale_in_text(text, f"the zones of {kept_run_path(config.source)}")
    return None if scale is None else SpeedMeter(scale)


def build_recording(
    path: str | Path,
    info: SourceInfo,
    config: RunConfig,
    style: Callable[[], DrawStyle] = DrawStyle,
    *,
    closes_gaps: bool = False,
) -> Sink:
    """An annotated recording; with the sound of its source, where that is a file or a kept run with its film. `style`
    is asked for the look of each picture; `closes_gaps` where someone jumps about in the source."""
    video = None if info.are_pictures else video_of(config.source)
    sound = None if video is None else file_of(video)
    audio_from = None if sound is None else str(sound)
    return open_recording(path, info, audio_from=audio_from, style=style, closes_gaps=closes_gaps)


def build_sinks(
    config: RunConfig, info: SourceInfo, style: Callable[[], DrawStyle] = DrawStyle
) -> list[Sink]:
    """The outputs that the config names, all opened: a wrong path fails before the run, not after it."""
    with ExitStack() as opened:
        sinks: list[Sink] = []
        if config.save is not None:
            sinks.append(build_recording(config.save, info, config, style))
            opened.callback(sinks[-1].close)
        if config.tracks is not None:
            sinks.append(open_track_file(config.tracks, are_pictures=info.are_pictures))
        opened.pop_all()
    return sinks


def _hash_of_model(model: str) -> str:
    """SHA-256 of the file that a model is read from; "" where that is not one file."""
    path = next(files_of_model(model), None)
    try:
        return sha256_of(path or weights_of(model_card(model), offline=True))
    except (RtdetError, OSError):
        return ""


def check_outputs(config: RunConfig, more: Mapping[str, str | Path] = {}) -> None:
    """Raises UsageError where an output of the run, or of `more` by their options, is a file that the run reads, or
    another output."""
    if config.save is not None and is_folder(config.save):
        refuse_overwriting_in(config.save, "--save", files_of_source(config.source))
    read = chain(files_of_source(config.source), files_of_model(config.model), [config.zones])
    refuse_overwriting({**config.outputs, **more}, read)


def policy_of(config: RunConfig, *, live: bool, watched: bool = False) -> Policy:
    """The policy that the config names. auto: every frame of a file, the freshest of a live source, and the
    freshest of any source that somebody watches: the picture never waits for the detector."""
    if config.policy not in POLICIES:
        raise UnknownNameError("policy", config.policy, POLICIES)
    return POLICIES[config.policy] or (Policy.LATEST if live or watched else Policy.WAIT)


def build_pipeline(
    config: RunConfig,
    more_sinks: Callable[[SourceInfo], Sequence[Sink]] = lambda info: (),
    *,
    watched: bool = False,
    lend_detector: Callable[[], Detector] | None = None,
    source_opener: Callable[[RunConfig], Source] | None = None,
    style: Callable[[], DrawStyle] = DrawStyle,
    keep: KeepPlace | None = None,
    make_detector: Callable[[RunConfig], Detector] | None = None,
    batch_size: int = _BATCH,
    decoder_threads: int = 0,
    name: str = "",
) -> Pipeline:
    """The pipeline that a config describes, not started. What is opened is closed again on an error.

    more_sinks:    opens outputs beyond those that the config names, once the source is known.
    watched:       a window shows the run: a file plays at its own speed, and outputs get what is shown (unless
                   the policy is "every").
    lend_detector: gives a detector that stays open for the next source, and may be another than the config's;
                   without it the pipeline gets one of its own, and closes it.
    source_opener: opens `config.source`.
    style:         is asked for the look of each recorded picture.
    keep:          where the run is kept, if not where the config says.
    make_detector: makes the pipeline's own detector, in the place of `build_detector`.
    batch_size:    how many frames the detector gets at once, where every frame counts and it does not stream.
    decoder_threads: how many decode the source, at most; 0: one for each core. Not for a `source_opener`.
    name:          what the source is called in its events, where there are several.
    """
    check_tracker(config.tracker, config.set)
    policy_of(config, live=True)  # names are checked before anything slow is opened
    check_outputs(config)
    meter = build_meter(config)
    with ExitStack() as opened:
        copies: list[Sink] = []
        if config.save_raw is not None:
            copy = PacketCopy(config.save_raw)
            opened.callback(copy.close)
            copies.append(copy)
            source = build_source(config, copy, decoder_threads)
        else:
            source = (source_opener or partial(build_source, decoder_threads=decoder_threads))(config)
        opened.callback(source.close)
        info = source.info
        counting = build_counting(config, info, kept_zones(config.source), name)
        if counting is not None:
            opened.callback(counting.close)
        looks = style if counting is None else _with_zones(style, counting)
        sinks = [*copies, *build_sinks(config, info, looks)]
        for sink in sinks:
            opened.callback(sink.close)
        if counting is not None:
            sinks.append(counting)
        for sink in more_sinks(info):
            sinks.append(sink)
            opened.callback(sink.close)
        if not watched:
            warn_of_edits(config.source)
        if lend_detector is None or kept_run_path(config.source) is not None:
            lend_detector = None
            is_kept = kept_run_path(config.source) is not None
            detector = (build_detector if is_kept or make_detector is None else make_detector)(config)
            opened.callback(detector.close)
            _look_for_what_is_there(detector, info)
            check_classes(config.tracker, config.set, detector.class_names)
        else:
            detector = lend_detector()
            _warn_of_classes(config, detector)
        # Somebody who looks through single pictures wants to see the boxes of each.
        skips = watched and not info.are_pictures
        policy = policy_of(config, live=info.is_live, watched=skips)
        # A file that may be skipped through would, unpaced, be over before the detector has begun.
        paced = not info.is_live and (watched or policy is Policy.LATEST)
        keeper = build_keeper(config, info, detector, _hash_of_model, keep)
        if keeper is not None:
            opened.callback(keeper.close)
        pipeline = Pipeline(
            source,
            detector,
            build_tracker(config.tracker, info, config.set),
            sinks,
            policy=policy,
            paced=paced,
            batch_size=1 if paced or info.is_live else batch_size,
            sink_shown=watched and policy is Policy.LATEST,
            max_frames=config.max_frames,
            duration_s=config.duration or length_of_run(config.source),
            rests_at_end=watched and info.are_pictures,
            keep_detector=lend_detector is not None,
            # Of a kept run the steps of the camera are known; its pictures may be gone.
            camera_motion=None if kept_run_path(config.source) is not None else OpticalFlow(),
            meter=meter,
            keeper=keeper,
            every=_looks_every(config, info),
            max_latency_ms=_max_latency_ms(config, is_paced=paced or info.is_live),
        )
        opened.pop_all()
    pipeline.compensate_camera(config.camera_motion)
    if counting is not None:
        pipeline.zone_marks = lambda: counting.marks
    return pipeline


def _looks_every(config: RunConfig, info: SourceInfo) -> int | None:
    """The detector looks at every so many frames; None: chosen as the run goes on."""
    if info.are_pictures and config.every != "1":
        log.warning("--every %s has no effect on single pictures: each is looked at", config.every)
        return 1
    return config.looks_every


def _max_latency_ms(config: RunConfig, *, is_paced: bool) -> float | None:
    """What results should stay younger than; None where nobody asked, and where frames have no time of their own."""
    if config.max_latency is not None and not is_paced:
        log.warning(
            "--max-latency has no effect on a file that is gone through as fast as it can: its frames wait for the "
            "model, and none gets old; with --policy latest it plays in real time"
        )
        return None
    return config.max_latency


def _with_zones(style: Callable[[], DrawStyle], counting: CountSink) -> Callable[[], DrawStyle]:
    """The style with the lines and zones as they are counted at that moment; in a window it has its own."""

    def with_zones() -> DrawStyle:
        asked = style()
        return asked if asked.zones else replace(asked, zones=counting.marks)

    return with_zones


def _look_for_what_is_there(detector: Detector, info: SourceInfo) -> None:
    """Where nobody named classes and the source knows what is in it, the detector looks for nothing else."""
    expected = frozenset(info.class_names) & frozenset(detector.class_names)
    if expected and not detector.thresholds.classes:
        detector.thresholds = replace(detector.thresholds, classes=expected)


def _warn_of_classes(config: RunConfig, detector: Detector) -> None:
    """Warns of settings for classes that the lent detector does not know: it may not be the config's model."""
    try:
        check_classes(config.tracker, config.set, detector.class_names)
    except UsageError as error:
        log.warning("a tracker setting has no effect: %s", error)


def build_services(
    *,
    source_opener: Callable[[RunConfig], Source] | None = None,
    make_detector: Callable[[RunConfig], Detector] = build_detector,
) -> Services:
    """The callables that the viewer uses. source_opener: opens sources in the place of `build_source`."""

    def open_pipeline(
        wanted: RunConfig,
        lend_detector: Callable[[], Detector],
        style: Callable[[], DrawStyle],
        keep: KeepPlace | None,
        source_count: int,
    ) -> Pipeline:
        return build_pipeline(
            wanted,
            watched=True,
            lend_detector=lend_detector,
            source_opener=source_opener,
            style=style,
            keep=keep,
            decoder_threads=share_of_cores(source_count),
        )

    def make_tracker(wanted: RunConfig, info: SourceInfo) -> Tracker | None:
        return build_tracker(wanted.tracker, info, wanted.set)

    return Services(
        open_pipeline=open_pipeline,
        make_detector=make_detector,
        make_tracker=make_tracker,
        model_names=model_names,
        tracker_names=tracker_names,
        list_cameras=list_cameras,
        open_recording=partial(build_recording, closes_gaps=True),
        examine=_examine,
    )


def _examine(began: Callable[[str], object]) -> Report:
    from rtdet.doctor.examining import examine  # hardly anybody asks for it

    return examine(began)


def run(source: str | Path = "demo", **settings: Any) -> Iterator[FrameResult]:
    """Detects and tracks through a source; yields a FrameResult for each processed frame, in order.

    Settings are RunConfig's: `model`, `conf`, `classes=("person",)`, `tracker` (None: no tracker), `save`, `tracks`,
    ... Leaving
    the loop early stops the run and completes its outputs. Raises RtdetError with one clear line.

    >>> for result in rtdet.run("street.mp4", classes=("person", "car"), max_frames=3):
    ...     print(result.frame.index, f"{result.frame.t:.2f} s", result.tracks.boxes.shape[1:])
    0 0.00 s (4,)
    1 0.05 s (4,)
    2 0.10 s (4,)

    A run writes what its settings name:

    >>> for result in rtdet.run("street.mp4", tracks="tracks.csv", max_frames=3):
    ...     pass
    >>> with open("tracks.csv") as file:
    ...     print(file.readline().strip())
    frame,...
    """
    (named,) = name_runs([NamedRun("", config_of(source, settings))])
    return build_pipeline(named.config).results()


def config_of(source: str | Path, settings: Mapping[str, Any], function: str = "rtdet.run") -> RunConfig:
    """The settings of a run as Python gives them to `function`. Raises UsageError and UnknownNameError."""
    settings = dict(settings)
    known = [field.name for field in fields(RunConfig)]
    for name, value in settings.items():
        if name not in known:
            raise UnknownNameError(f"setting of {function}", name, known)
        if isinstance(value, Path):
            settings[name] = str(value)
        elif name == "model" and not isinstance(value, str):
            raise UsageError(f"{function}: model is a name or a file, not a {type(value).__name__}")
    if isinstance(settings.get("every"), int):
        settings["every"] = str(settings["every"])
    if settings.get("tracker", "") is None:
        settings["tracker"] = "none"
    for name in {"classes", "set"} & settings.keys():
        parts = settings[name].split(",") if isinstance(settings[name], str) else settings[name]
        settings[name] = tuple(part.strip() for part in parts if part.strip())
    try:
        return replace(RunConfig(source=str(source)), **settings)
    except TypeError as error:
        raise UsageError(f"{function}: a setting has the wrong type: {error}") from None
