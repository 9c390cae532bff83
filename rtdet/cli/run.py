"""`rtdet --source SRC`: the viewer, or the same run without a window."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from rtdet.config import RunConfig
from rtdet.errors import OutputError

if TYPE_CHECKING:
    from rtdet.pipeline import Pipeline


def run(config: RunConfig, given: Collection[str] = ()) -> int:
    """Runs to the end; returns the exit code. `given`: the settings typed on the command line, which in the
    viewer win over what it remembers."""
    show_warnings()
    if not config.headless and not has_display():
        click.echo("rtdet: no display here, running without a window (as --headless does)", err=True)
        config = replace(config, headless=True)
    return run_headless(config) if config.headless else run_viewer(config, given)


def has_display() -> bool:
    """Could a window open here? X11 and Wayland say so by their variables; an explicit Qt platform wins."""
    if sys.platform in ("win32", "darwin") or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def show_warnings() -> None:
    """Warnings of any room become lines on standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("rtdet: warning: %(message)s"))
    logger = logging.getLogger("rtdet")
    logger.handlers[:] = [handler]
    logger.propagate = False


def run_viewer(config: RunConfig, given: Collection[str]) -> int:
    from rtdet import build
    from rtdet.detectors.registry import model_names
    from rtdet.state import Services
    from rtdet.ui import run_viewer as open_window
    from rtdet.video.sources import list_cameras

    check_stats_path(config)
    services = Services(
        open_pipeline=build.build_viewer_pipeline,
        make_detector=build.build_detector,
        make_tracker=build.build_tracker,
        model_names=model_names,
        tracker_names=build.tracker_names,
        list_cameras=list_cameras,
        open_recording=build.build_recording,
    )
    return open_window(config, services, given=given)


def run_headless(config: RunConfig) -> int:
    from rtdet import build

    check_stats_path(config)
    return run_to_end(config, build.build_pipeline(config))


def run_to_end(config: RunConfig, pipeline: Pipeline) -> int:
    """Runs a pipeline with a progress bar until it ends or is interrupted; returns the exit code."""
    interrupted = False
    with pipeline, _interrupts() as signals, _progress(config, pipeline) as tick:
        pipeline.start()
        try:
            while not pipeline.join(0.1):
                tick()
                if signals:
                    interrupted = True
                    pipeline.stop()
            tick()
        finally:
            pipeline.stop()
            if config.stats is not None:
                write_stats(config.stats, pipeline.stats().as_dict())
    _summary(config, pipeline)
    return 130 if interrupted else 0


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Ctrl-C and SIGTERM are noted, not raised: a run ends between two steps, with complete outputs.
    A second Ctrl-C ends at once."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if received:
            signal.default_int_handler(number, frame)
        received.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _progress(config: RunConfig, pipeline: Pipeline) -> Iterator[Any]:
    """A progress bar on standard error, with time left where the length is known."""
    if config.quiet or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
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
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(Path(config.source).name, total=expected_frames(config, pipeline), speed=0.0)

        def tick() -> None:
            numbers = pipeline.stats().as_dict()
            speed = numbers["fps"]["inference"] or 0.0
            bar.update(task, completed=numbers["frames"]["processed"], speed=speed)

        yield tick


def expected_frames(config: RunConfig, pipeline: Pipeline) -> int | None:
    """How many frames the run should see; None where nobody knows."""
    info = pipeline.source.info
    count = info.frame_count
    if count is not None and info.fps and config.start:
        count = max(0, count - round(config.start * info.fps))
    if config.duration is not None and info.fps:
        wanted = round(config.duration * info.fps)
        count = wanted if count is None else min(count, wanted)
    if config.max_frames is not None:
        count = config.max_frames if count is None else min(count, config.max_frames)
    return count


def check_stats_path(config: RunConfig) -> None:
    """Fails before the run when the stats could not be written after it."""
    if config.stats is None:
        return
    folder = Path(config.stats).resolve().parent
    if not folder.is_dir():
        raise OutputError(f"cannot write {config.stats}: the folder {folder} does not exist; create it first")
    if not os.access(folder, os.W_OK) or Path(config.stats).is_dir():
        raise OutputError(f"cannot write {config.stats}: no permission; choose another place")


def write_stats(path: str, numbers: dict[str, Any]) -> None:
    try:
        Path(path).write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error


def _summary(config: RunConfig, pipeline: Pipeline) -> None:
    if config.quiet:
        return
    numbers = pipeline.stats().as_dict()
    dropped = sum(numbers["frames"]["dropped"].values())
    line = f"{numbers['frames']['processed']} frames in {numbers['elapsed_s']:.1f} s"
    if numbers["fps"]["inference"]:
        line += f", {numbers['fps']['inference']:.0f} frames/s"
    click.echo(line + (f", {dropped} dropped" if dropped else ""), err=True)
    for path in (config.save, config.tracks, config.stats):
        if path is not None:
            click.echo(f"wrote {path}", err=True)
