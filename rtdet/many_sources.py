"""Several sources at a time: a pipeline each, on detectors that they share. What one does leaves the others alone."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from rtdet.build import (
    build_detector,
    build_pipeline,
    check_outputs,
    check_tracker,
    config_of,
    policy_of,
    share_of_cores,
)
from rtdet.config import RunConfig
from rtdet.counting.building import check_counting
from rtdet.detectors.registry import files_of_model
from rtdet.errors import RtdetError, UsageError
from rtdet.kept.building import kept_run_path
from rtdet.origin import working_for
from rtdet.overwriting import refuse_overwriting
from rtdet.pipeline import Pipeline
from rtdet.pipeline.buffers import Buffer
from rtdet.pipeline.results import Results
from rtdet.protocols import Detector
from rtdet.shared_detectors import SharedDetectors
from rtdet.source_list import NamedRun, name_runs
from rtdet.types import FrameResult
from rtdet.video.sources.inputs import files_of_source

log = logging.getLogger("rtdet.many_sources")

_BATCH = 8
_END_LIMIT_S = 2.0

Watch = Callable[["SourceRun", FrameResult], object]


class SourceRun(threading.Thread):
    """One of several sources, in a thread of its own: opens it, runs it to its end, and keeps its error.

    pipeline: None until the source is open. error: why it failed, at `failed_at` (monotonic); None where it did not.
    is_over: it is finished, its outputs with it. Its threads work for its name (rtdet.origin).
    """

    def __init__(
        self,
        named: NamedRun,
        make_pipeline: Callable[[NamedRun], Pipeline],
        watch: Watch | None,
        on_end: Callable[[SourceRun], None],
    ) -> None:
        super().__init__(name=f"rtdet-many-{named.name}", daemon=True)
        self.named = named
        self.pipeline: Pipeline | None = None
        self.error: BaseException | None = None
        self.failed_at = 0.0
        self.is_over = False
        self._make_pipeline, self._watch, self._on_end = make_pipeline, watch, on_end
        self._lock = threading.Lock()
        self._is_stopped = False

    def run(self) -> None:
        try:
            with working_for(self.named.name):
                self._run()
        except BaseException as error:
            self.error, self.failed_at = error, time.monotonic()
        finally:
            self.is_over = True
            self._on_end(self)

    def _run(self) -> None:
        pipeline = self._make_pipeline(self.named)
        with pipeline:
            with self._lock:
                self.pipeline = pipeline
                if self._is_stopped:
                    return
                results = None if self._watch is None else pipeline.results()
                pipeline.start()
            if results is not None and self._watch is not None:
                for result in results:
                    self._watch(self, result)
            pipeline.join()

    def stop(self, timeout_s: float) -> None:
        """Ends it, its outputs complete; it does not begin where it is not open yet. Back within `timeout_s`."""
        with self._lock:
            self._is_stopped = True
            pipeline = self.pipeline
        if pipeline is not None:
            pipeline.stop(timeout_s)


class ManySources:
    """Runs several sources at a time, without a window. One detector serves all that want the same model on the same
    device at the same size (`SharedDetector`); each has its own source, tracker, outputs and statistics.

    A source that cannot be opened, fails or ends leaves the others alone. The detectors are loaded here, and what is
    wrong with the settings of any source is found here, before anything is opened: raises RtdetError.

    watch: is given each result, from a thread of its source, for which the source waits.
    on_end: is told of each source that is over, from a thread of it.
    """

    def __init__(
        self,
        runs: Sequence[NamedRun],
        *,
        watch: Watch | None = None,
        on_end: Callable[[SourceRun], None] = lambda run: None,
        make_detector: Callable[[RunConfig], Detector] = build_detector,
    ) -> None:
        check_runs(runs)
        self._detectors = SharedDetectors(make_detector, _BATCH, ends_with_clients=False)
        self._batch_size = max(1, _BATCH // max(1, len(runs) // 2))
        try:
            for named in runs:
                if kept_run_path(named.config.source) is None:  # else it brings its own
                    self._detectors.load(named.config)
        except BaseException:
            self._detectors.close()
            raise
        self._ended = threading.Semaphore(0)
        self._on_end = on_end
        self._started_at = self._ended_at = 0.0
        self.sources = tuple(SourceRun(one, self._make_pipeline, watch, self._has_ended) for one in runs)

    def start(self) -> None:
        self._started_at = time.monotonic()
        for run in self.sources:
            run.start()

    def join(self, timeout_s: float | None = None) -> bool:
        """Waits until all sources are over, then raises the first error, with the name of its source. False if one
        goes on after `timeout_s`."""
        give_up = None if timeout_s is None else time.monotonic() + timeout_s
        while not self.is_over:
            left = 0.25 if give_up is None else give_up - time.monotonic()
            if left <= 0:
                return False
            self._ended.acquire(timeout=min(left, 0.25))
        for run in self.sources:
            run.join(_END_LIMIT_S)
        self._detectors.close()
        failed = self._first_that_failed()
        if failed is not None:
            raise _named(failed)
        return True

    def stop(self, timeout_s: float = _END_LIMIT_S) -> bool:
        """Ends all sources within `timeout_s`, their outputs complete. Who is still opening a source has nothing to
        complete, and is waited for two seconds at most. False if one was still busy then."""
        now = time.monotonic()
        enders = [threading.Thread(target=run.stop, args=(timeout_s,), daemon=True) for run in self.sources]
        for ender in enders:
            ender.start()
        for run, ender in zip(self.sources, enders, strict=True):
            limit_s = timeout_s if run.pipeline is not None else min(timeout_s, _END_LIMIT_S)
            for thread in (ender, run):
                if thread.ident is not None and thread is not threading.current_thread():
                    thread.join(max(0.0, now + limit_s - time.monotonic()))
        self._detectors.close()
        return self.is_over

    def __enter__(self) -> ManySources:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def is_over(self) -> bool:
        """Whether all sources have ended."""
        return all(run.is_over or run.ident is None for run in self.sources)

    @property
    def elapsed_s(self) -> float:
        """From the start until the last source was over, or until now."""
        until = self._ended_at if self.is_over else time.monotonic()
        return until - self._started_at if self._started_at else 0.0

    @property
    def error(self) -> BaseException | None:
        """Of the source that failed first."""
        failed = self._first_that_failed()
        return None if failed is None else failed.error

    def _first_that_failed(self) -> SourceRun | None:
        failed = [run for run in self.sources if run.error is not None]
        return min(failed, key=lambda run: run.failed_at, default=None)

    def _make_pipeline(self, named: NamedRun) -> Pipeline:
        def share(config: RunConfig) -> Detector:
            return self._detectors.share(config, named.name)

        return build_pipeline(
            named.config,
            make_detector=share,
            batch_size=self._batch_size,
            decoder_threads=share_of_cores(len(self.sources)),
            name=named.name if len(self.sources) > 1 else "",
        )

    def _has_ended(self, run: SourceRun) -> None:
        self._ended_at = time.monotonic()
        try:
            self._on_end(run)
        finally:
            self._ended.release()


def _named(run: SourceRun) -> BaseException:
    """Its error, with its name before it."""
    error = run.error
    assert error is not None
    if not isinstance(error, RtdetError):  # a bug, which has a traceback
        return error
    # Constructors take what the message is made of, and not the message.
    named = error.__class__.__new__(error.__class__)
    named.__dict__.update(error.__dict__)
    named.args, named.__cause__ = (f"{run.named.name}: {error}",), error
    return named


def check_runs(runs: Sequence[NamedRun]) -> None:
    """Raises UsageError where a setting of one of the sources cannot be, or where an output of one is a file that
    another reads or writes."""
    for named in runs:
        check_tracker(named.config.tracker, named.config.set)
        policy_of(named.config, live=True)
        check_outputs(named.config)
    _check_counting(runs)
    outputs: dict[str, str | Path | None] = {}
    statistics = set[str | None]()  # those of several may be in one file
    for named in runs:
        for option, path in named.config.outputs.items():
            if path == "-" or (option == "--stats" and path in statistics):
                continue
            outputs[f"{option} of {named.name}"] = path
        statistics.add(named.config.stats)
    configs = [named.config for named in runs]
    read = chain.from_iterable(
        [*files_of_source(one.source), *files_of_model(one.model), one.zones] for one in configs
    )
    refuse_overwriting(outputs, read)


def _check_counting(runs: Sequence[NamedRun]) -> None:
    """Says once what is wrong with all of them, and of which it is where it is not."""
    wrong: dict[str, UsageError] = {}
    for named in runs:
        is_kept = kept_run_path(named.config.source) is not None  # it may have zones of its own
        try:
            check_counting(named.config, has_kept_zones=is_kept)
        except UsageError as error:
            wrong[named.name] = error
    for name, reason in wrong.items():
        raise reason if len(wrong) == len(runs) else UsageError(f"{name}: {reason}")


def run_many(
    sources: Sequence[str | Path] | Mapping[str, str | Path], **settings: Any
) -> Iterator[tuple[str, FrameResult]]:
    """Detects and tracks in several sources at a time, with one detector; yields the name of a source and a
    FrameResult for each processed frame, those of one source in order.

    sources: a list, or by names of your own. Settings are those of `rtdet.run`, for all; `{name}` in the path of an
    output stands for the source's name. One that fails leaves the others alone; its error, with its name, is raised
    once they are over. Leaving the loop early stops all and completes their outputs. Raises RtdetError with one clear
    line.

    >>> frames = {"door": 0, "yard": 0}
    >>> sources = {"door": "street.mp4", "yard": "demo"}
    >>> for name, result in rtdet.run_many(sources, max_frames=3, tracks="{name}.csv"):
    ...     frames[name] += 1
    >>> frames
    {'door': 3, 'yard': 3}
    """
    if isinstance(sources, (str, Path)):
        raise UsageError("rtdet.run_many takes a list of sources; rtdet.run takes one")
    named = sources.items() if isinstance(sources, Mapping) else (("", one) for one in sources)
    runs = name_runs([NamedRun(name, config_of(one, settings, "rtdet.run_many")) for name, one in named])
    if not runs:
        raise UsageError("rtdet.run_many was given no source")
    buffer: Buffer[tuple[str, FrameResult]] = Buffer(len(runs))
    left = threading.Semaphore(len(runs) - 1)

    def watch(run: SourceRun, result: FrameResult) -> None:
        buffer.put((run.named.name, result))

    def on_end(_run: SourceRun) -> None:
        if not left.acquire(blocking=False):  # it was the last
            buffer.end()

    many = ManySources(runs, watch=watch, on_end=on_end)
    results = Results(buffer, many)
    many.start()
    return results
