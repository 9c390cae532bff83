"""`rtdet --source A --source B --headless`: several sources at a time, an output of each."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any

from rtdet.address import hide_secrets
from rtdet.cli.console import interrupts, say_error
from rtdet.cli.run import FINISH_S, expected_of, say_no_display, say_written, summary_line, why_nothing
from rtdet.errors import OutputError, ReaderLeftError, RtdetError
from rtdet.source_list import NamedRun
from rtdet.terminal import console, say, show_traceback

if TYPE_CHECKING:
    from rtdet.many_sources import ManySources, SourceRun


def run_many_headless(runs: Sequence[NamedRun]) -> int:
    """Runs all to their end. The exit code is 0, 130 after Ctrl-C, or that of the source that failed first; the
    others are finished all the same. Raises RtdetError where nothing can begin."""
    from rtdet.many_sources import ManySources

    config = runs[0].config
    with ExitStack() as held:
        for path in {run.config.stats for run in runs} - {None}:
            held.enter_context(_held(path))
        many = held.enter_context(ManySources(runs, on_end=_Failures(config.debug).note))
        if not config.headless:
            say_no_display(is_kept=any(any(run.config.outputs.values()) for run in runs))
        interrupted = _run_to_end(many, quiet=config.quiet)
    code = _write_stats(many)
    if not config.quiet:
        _summary(many)
    error = many.error
    if interrupted:
        return 130
    return code if error is None else getattr(error, "exit_code", 1)


@contextmanager
def _held(path: str | None) -> Iterator[None]:
    from rtdet.output_file import OutputFile

    assert path is not None
    with closing(OutputFile(path)):
        yield


class _Failures:
    """Says the error of each source when it comes: a live one may run for days beside others that have failed."""

    def __init__(self, debug: bool) -> None:
        self._debug = debug

    def note(self, run: SourceRun) -> None:
        error = run.error
        if error is None or isinstance(error, ReaderLeftError):
            return
        if self._debug or not isinstance(error, RtdetError):  # else it is a bug of ours
            show_traceback(type(error), error, error.__traceback__)
        say_error(f"{run.named.name}: {error}")


def _run_to_end(many: ManySources, *, quiet: bool) -> bool:
    """True where it was interrupted."""
    interrupted = False
    with interrupts() as signals, _progress(many, quiet=quiet) as tick:
        many.start()
        while not many.is_over:
            time.sleep(0.1)
            tick()
            if signals and not interrupted:
                interrupted = True
                if not quiet:
                    say("rtdet: finishing the outputs; press Ctrl-C again to stop at once", err=True)
                many.stop(FINISH_S)
                break
    return interrupted


@contextmanager
def _progress(many: ManySources, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """A bar for each source on standard error; yields the function that updates them."""
    if quiet or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}{task.fields[of]} frames"),
        TextColumn("{task.fields[speed]:.0f}/s"),
        TextColumn("{task.fields[state]}"),
        TimeRemainingColumn(),
    ]
    with Progress(*columns, console=console(stderr=True), transient=True) as bars:
        tasks = [
            bars.add_task(escape(run.named.name), total=None, speed=0.0, of="", state="opening")
            for run in many.sources
        ]

        def tick() -> None:
            for task, run in zip(tasks, many.sources, strict=True):
                shown: dict[str, Any] = {"state": _state(run)}
                if run.pipeline is not None:
                    stats = run.pipeline.stats()
                    total = expected_of(run.named.config, run.pipeline.source.info)
                    shown |= {"total": total, "of": f" of {total}" if total else ""}
                    shown |= {"completed": stats.processed, "speed": stats.live.inference_fps}
                bars.update(task, **shown)

        yield tick


def _state(run: SourceRun) -> str:
    if run.error is not None:
        return "failed"
    if run.is_over:
        return "done"
    return "opening" if run.pipeline is None else run.pipeline.source.state.value.replace("open", "")


def _write_stats(many: ManySources) -> int:
    """Writes the statistics: of several sources in one file as a list. Returns the exit code of what could not be
    written, which is said, or 0."""
    from rtdet.output_file import write_whole

    by_path: dict[str, list[SourceRun]] = {}
    for run in many.sources:
        if run.named.config.stats is not None:
            by_path.setdefault(run.named.config.stats, []).append(run)
    code = 0
    for path, runs in by_path.items():
        if len(runs) == 1:
            numbers = _numbers(runs[0])
        else:
            numbers = {"sources": [_numbers(run) for run in runs], "together": _together(many, runs)}
        try:
            write_whole(path, json.dumps(numbers, indent=2) + "\n")
        except OutputError as failure:
            code = failure.exit_code
            if many.error is None:
                say_error(str(failure))
            else:
                logging.getLogger("rtdet.cli").warning("%s", failure)
    return code


def _numbers(run: SourceRun) -> dict[str, Any]:
    about: dict[str, Any] = {"name": run.named.name, "source": hide_secrets(run.named.config.source)}
    if run.error is not None:
        about["error"] = " ".join(hide_secrets(str(run.error)).split())
    return about if run.pipeline is None else {**about, **run.pipeline.stats().as_dict()}


def _together(many: ManySources, runs: Sequence[SourceRun]) -> dict[str, Any]:
    """The numbers of all sources in one, in the form of a run's statistics."""
    dropped: Counter[str] = Counter()
    frames = Counter[str]()
    for run in runs:
        if run.pipeline is not None:
            stats = run.pipeline.stats()
            dropped.update(stats.dropped)
            frames.update({"in": stats.frames_in, "processed": stats.processed})
    elapsed_s = many.elapsed_s
    speed = frames["processed"] / elapsed_s if elapsed_s else 0.0
    return {
        "frames": {
            "in": frames["in"],
            "processed": frames["processed"],
            "dropped": dict(sorted(dropped.items())),
        },
        "fps": {"inference": round(speed, 3)},
        "elapsed_s": round(elapsed_s, 3),
    }


def _summary(many: ManySources) -> None:
    for run in many.sources:
        failed = ", then it failed" if run.error is not None else ""
        if run.pipeline is None:
            say(f"{run.named.name}: {'failed' if failed else 'not begun'}", err=True)
            continue
        stats = run.pipeline.stats()
        say(f"{run.named.name}: {summary_line(stats.as_dict())}{failed}", err=True)
        if nothing := why_nothing(run.named.config, stats):
            say(f"{run.named.name}: {nothing}", err=True)
    say(f"together: {summary_line(_together(many, many.sources))}", err=True)
    say_written(*(run.named.config for run in many.sources))
