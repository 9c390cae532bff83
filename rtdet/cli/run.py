"""`rtdet --source SRC`: the viewer, or the same run without a window."""

from __future__ import annotations

import gc
import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtdet.address import hide_secrets
from rtdet.cli.console import interrupts, show_messages
from rtdet.config import RunConfig
from rtdet.display import has_display
from rtdet.errors import OutputError, SourceError, UsageError
from rtdet.terminal import console, rate, say

if TYPE_CHECKING:
    from rtdet.pipeline import Pipeline, Stats
    from rtdet.source_list import NamedRun
    from rtdet.types import SourceInfo

# How long a slow encoder may take, after Ctrl-C, to write the frames that it still holds.
FINISH_S = 30.0
# The settings of a run that say what of the detector's candidates become tracks.
TRACKING = ("conf", "iou", "classes", "max_det", "tracker", "set")


def run(runs: Sequence[NamedRun], *, show: bool = False, in_turn: bool = False) -> int:
    """Runs to the end, with one source or several; returns the exit code. What is `given` for a source takes
    precedence over what the viewer remembers. With `show`, raises UsageError where no window can open. The window
    shows several side by side or, with `in_turn`, one after the other."""
    config = runs[0].config
    show_messages(quiet=config.quiet)
    if show and not has_display():
        raise UsageError("--show needs a display, and there is none here; omit it to run without a window")
    if config.headless or not has_display():
        if len(runs) == 1:
            return run_headless(config)
        from rtdet.cli.many import run_many_headless

        return run_many_headless(runs)
    return run_viewer(runs, in_turn=in_turn)


def with_settings_of_runs(runs: Sequence[NamedRun]) -> list[NamedRun]:
    """The same, with its own settings for each that is a kept run. Raises SourceError for a single one that cannot be
    read; of several it will say so when it is opened, and the others go on."""
    if len(runs) == 1:
        return [_with_settings_of_run(runs[0])]
    known = []
    for one in runs:
        try:
            known.append(_with_settings_of_run(one))
        except SourceError:
            known.append(one)
    return known


def _with_settings_of_run(run: NamedRun) -> NamedRun:
    """Of a kept run the settings are those that it had, but for what is given; nothing remembered replaces them."""
    from rtdet.kept import KeptRun, Tracking
    from rtdet.kept.building import kept_run_path

    config, given = run.config, set(run.given)
    if "set" in given:
        given.add("tracker")
    path = kept_run_path(config.source)
    if path is None:
        return replace(run, given=frozenset(given))
    for name in ("model", "imgsz", "head", "input"):
        if name in given:
            logging.getLogger("rtdet.cli").warning(
                "--%s changes nothing: %s holds what its own model found; name the video to look at it anew",
                name, path.name,
            )  # fmt: skip
    with KeptRun(path) as kept:
        changed = {name: getattr(config, name) for name in TRACKING if name in given}
        tracking = Tracking.of(kept.about, changed)
        camera_motion = kept.about.settings.get("camera_motion") is True
    known = {name: getattr(tracking, name) for name in TRACKING}
    config = replace(config, camera_motion=camera_motion, **known)
    return replace(run, config=config, given=frozenset({*given, *TRACKING, "camera_motion"}))


def run_viewer(runs: Sequence[NamedRun], *, in_turn: bool = False) -> int:
    from rtdet.build import build_services
    from rtdet.ui import run_viewer as open_window

    first, *others = runs
    beside = () if in_turn or not others else runs
    if others and in_turn:
        _refuse_outputs_of_the_first_alone(first.config)
    if beside:
        from rtdet.many_sources import check_runs

        check_runs(beside)
    files = [one.config.stats for one in beside if one.config.stats is not None]
    if len(files) > len(set(files)):
        raise UsageError("--stats of several sources in a window would be one file; put {name} into it")
    with ExitStack() as held:
        for one in beside or [first]:
            held.enter_context(_stats_held(one.config))
        return open_window(
            first.config,
            build_services(),
            given=first.given,
            others=[one.config.source for one in others if in_turn],
            beside=beside,
        )


def _refuse_outputs_of_the_first_alone(config: RunConfig) -> None:
    """The viewer writes nothing of what it plays after the first source; whoever asked for more should know."""
    for option, path in {**config.outputs, "--events-url": config.events_url}.items():
        if path is not None:
            raise UsageError(
                f"a window that plays several sources in turn would write {option} of the first alone; add "
                "--headless, or show them side by side, each with --source"
            )


def run_headless(config: RunConfig) -> int:
    from rtdet import build

    with _stats_held(config):
        pipeline = build.build_pipeline(config)
        if not config.headless:  # said only once the run can begin: an error alone says enough
            say_no_display(is_kept=any(config.outputs.values()))
        return run_to_end(replace(config, headless=True), pipeline)


def say_no_display(*, is_kept: bool) -> None:
    advice = "" if is_kept else "; nothing will be saved, add --save or --tracks"
    say(f"rtdet: no display here, running without a window (like --headless){advice}", err=True)


@contextmanager
def _stats_held(config: RunConfig) -> Iterator[None]:
    """Holds the statistics' file during a run: fails before the run where it cannot be written, and keeps other
    runs from writing it."""
    if config.stats is None:
        yield
        return
    from rtdet.output_file import OutputFile

    with closing(OutputFile(config.stats)):
        yield


def run_to_end(config: RunConfig, pipeline: Pipeline) -> int:
    """Runs a pipeline with a progress bar until it ends or is interrupted; returns the exit code."""
    interrupted = False
    with pipeline, interrupts() as signals, _progress(config, pipeline) as tick:
        pipeline.start()
        # What is there now stays to the end: the garbage collector need not look at it again and again.
        gc.freeze()
        try:
            while not pipeline.join(0.1):
                tick()
                if signals:
                    interrupted = True
                    if not config.quiet:
                        say("rtdet: finishing the outputs; press Ctrl-C again to stop at once", err=True)
                    pipeline.stop(FINISH_S)
            tick()
        finally:
            gc.unfreeze()
            pipeline.stop()
            _write_stats(config, pipeline)
    _note_speed(config, pipeline)
    _summary(config, pipeline)
    return 130 if interrupted else 0


@contextmanager
def _progress(config: RunConfig, pipeline: Pipeline) -> Iterator[Any]:
    """Shows a progress bar on standard error, with the time left where the length is known; yields the function
    that updates it."""
    if config.quiet or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn(
            "{task.completed} of {task.total} frames"
            if expected_frames(config, pipeline)
            else "{task.completed} frames"
        ),
        TextColumn("{task.fields[speed]:.0f}/s"),
        TimeRemainingColumn(),
    ]
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        name = escape(Path(hide_secrets(config.source)).name)
        task = bar.add_task(name, total=expected_frames(config, pipeline), speed=0.0)

        def tick() -> None:
            numbers = pipeline.stats().as_dict()
            speed = numbers["fps"]["inference"] or 0.0
            bar.update(task, completed=numbers["frames"]["processed"], speed=speed)

        yield tick


def expected_frames(config: RunConfig, pipeline: Pipeline) -> int | None:
    """How many frames the run should see; None where that is unknown, as for a camera."""
    return expected_of(config, pipeline.source.info)


def expected_of(config: RunConfig, info: SourceInfo) -> int | None:
    """How many frames of a source the config asks for; None where that is unknown."""
    count = info.frame_count
    if count is not None and info.fps and config.start:
        count = max(0, count - round(config.start * info.fps))
    if config.duration is not None and info.fps:
        wanted = round(config.duration * info.fps)
        count = wanted if count is None else min(count, wanted)
    if config.max_frames is not None:
        count = config.max_frames if count is None else min(count, config.max_frames)
    return count


def _write_stats(config: RunConfig, pipeline: Pipeline) -> None:
    """Writes the statistics. Raises OutputError, unless another error has ended the run already: then it warns."""
    if config.stats is None:
        return
    from rtdet.output_file import write_whole

    try:
        write_whole(config.stats, json.dumps(pipeline.stats().as_dict(), indent=2) + "\n")
    except OutputError as failure:
        if pipeline.error is None:
            raise
        logging.getLogger("rtdet.cli").warning("%s", failure)


# A model's speed is noted after so many frames: the first ones are slow.
_ENOUGH = 50


def _note_speed(config: RunConfig, pipeline: Pipeline) -> None:
    """For `rtdet models`: how quick the model was by itself."""
    from rtdet.detectors.registry import model_names
    from rtdet.detectors.speeds import note_speed

    stats = pipeline.stats()
    detect_ms = stats.stages_ms.get("detect", {}).get("p50", 0.0)
    if config.model in model_names() and stats.processed >= _ENOUGH and detect_ms > 0:
        size = f", {config.imgsz} pixels" if config.imgsz else ""
        note_speed(config.model, 1e3 / detect_ms, f"in a run of rtdet{size}")


def _summary(config: RunConfig, pipeline: Pipeline) -> None:
    if config.quiet:
        return
    say(summary_line(pipeline.stats().as_dict()), err=True)
    say_written(config)
    nothing = why_nothing(config, pipeline.stats())
    if nothing:
        say(nothing, err=True)


def summary_line(numbers: Mapping[str, Any]) -> str:
    """What came of a run, of its statistics."""
    dropped = numbers["frames"]["dropped"]
    line = f"{numbers['frames']['processed']} frames in {numbers['elapsed_s']:.1f} s"
    if numbers["fps"]["inference"]:
        line += f", {rate(numbers['fps']['inference'])}"
    if dropped:
        reasons = ", ".join(f"{reason} {count}" for reason, count in dropped.items())
        line += f", {sum(dropped.values())} dropped ({reasons})"
    return line


def say_written(*configs: RunConfig) -> None:
    """Names the files that runs have written."""
    for path in dict.fromkeys(path for config in configs for path in config.outputs.values()):
        if path is not None and Path(path).exists():
            say(f"wrote {path}", err=True)


def why_nothing(config: RunConfig, stats: Stats) -> str:
    """A line on a run that found no objects, with the settings that may be why; "" where it did, was not
    to or had no frames."""
    if stats.tracked or not stats.processed:
        return ""
    if stats.detections:
        return (
            f"no tracks: --tracker {config.tracker} began none with the {stats.detections} detections; "
            "--tracker none writes the detections as they are"
        )
    if config.conf >= 1:  # whoever says so wants none
        return ""
    only = f" of {', '.join(config.classes)}" if config.classes else ""
    more = "other --classes, " if config.classes else ""
    return (
        f"no objects{only} were found at --conf {config.conf:g}; try a lower one, {more}another --model, or a larger "
        "--imgsz for small objects"
    )
