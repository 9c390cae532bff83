"""The slow side of the session, run in worker threads: opens and stops pipelines, loads detectors.

A detector is kept from one source to the next, because loading a model again would take seconds.
"""

from __future__ import annotations

import json
import logging
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

from rtdet.config import RunConfig
from rtdet.errors import OutputError
from rtdet.kept.writing import KeepPlace
from rtdet.output_file import write_whole
from rtdet.protocols import Detector
from rtdet.types import InputSize
from rtdet.video.draw import DrawStyle
from rtdet.viewer.kept_runs import KeptRuns
from rtdet.viewer.services import Services

if TYPE_CHECKING:
    from rtdet.pipeline import Pipeline

log = logging.getLogger("rtdet.viewer")


class Superseded(Exception):
    """Raised where the user has asked for something else in the meantime."""


class Opener:
    """Owns the detectors; pipelines borrow them. Safe from any thread.

    newest_request, wanted (model, imgsz): what the person asked for last, written by the GUI's thread alone.
    source_count: says how many sources the window has.
    """

    def __init__(
        self,
        services: Services,
        style: Callable[[], DrawStyle],
        runs: KeptRuns,
        source_count: Callable[[], int] = lambda: 1,
    ) -> None:
        self.newest_request = 0
        self.wanted: tuple[str, int | None] = ("", None)
        self._services, self._style, self._source_count = services, style, source_count
        self._lock = threading.Lock()
        self._shelf: tuple[tuple[object, ...], Detector] | None = None
        self._lent: list[Detector] = []  # to pipelines that are being made
        self._used_by: dict[Pipeline, Detector] = {}
        self._stopping: weakref.WeakSet[Pipeline] = weakref.WeakSet()
        self._stats_paths: dict[Pipeline, str] = {}
        self._is_closed = False
        self.runs = runs
        self._places_lock = threading.Lock()

    def open(self, request: int, config: RunConfig, old: Pipeline | None, *, stop_first: bool) -> Pipeline:
        """Returns a running pipeline for `config` and stops `old`: first, where both need the same device, otherwise
        once the new one runs. Raises RtdetError, or Superseded."""
        if old is not None and stop_first:
            self.stop(old)
        self._check(request)
        watched = self.runs.watched
        try:
            pipeline = self._make(config)
        except BaseException:
            if request == self.newest_request:  # else the place of the newer one is noted already
                self.runs.go_back(watched)
            raise
        try:
            self._check(request)
            if old is not None and not stop_first and not self.stop(old):
                # Its detector is still busy with it: the new pipeline needs another.
                self.stop(pipeline)
                pipeline = self._make(config)
            self._check(request)
        except BaseException:
            self.stop(pipeline)
            raise
        if config.stats is not None:
            self._stats_paths[pipeline] = config.stats
        if pipeline.source.info.are_pictures:
            pipeline.step()  # stands on the first
        pipeline.start()
        if self._is_closed:  # meanwhile, and nobody will take it
            self.stop(pipeline)
            raise Superseded
        return pipeline

    def stop(self, pipeline: Pipeline, timeout_s: float = 2.0) -> bool:
        """Stops the pipeline and closes its detector, unless that is kept for the next one. False if it did
        not end in time."""
        self._stopping.add(pipeline)
        ended = pipeline.stop(timeout_s)
        with self._lock:
            detector = self._used_by.pop(pipeline, None)
            is_kept = self._shelf is not None and self._shelf[1] is detector
            if is_kept and (not ended or self._is_closed):
                self._shelf, is_kept = None, False
        if detector is not None and ended and not is_kept:
            detector.close()
        self._write_stats(pipeline)
        return ended

    def input_size(self, pipeline: Pipeline) -> InputSize | None:
        """Of the pipeline's detector; None where that does not tell."""
        with self._lock:
            return getattr(self._used_by.get(pipeline), "input_size", None)

    def swap_detector(self, pipeline: Pipeline, config: RunConfig, request: int) -> Detector:
        """Loads the detector of `config` and puts it into the running pipeline, which closes the old one."""
        if (config.model, config.imgsz) != self.wanted:  # chosen and left again before its turn came
            raise Superseded
        detector = self._services.make_detector(config)
        with self._lock:  # or another pipeline might be lent the detector that is closed here
            if request == self.newest_request and pipeline in self._used_by:
                self._put_in(pipeline, detector, config.of_the_detector)
                return detector
        detector.close()
        raise Superseded

    def _put_in(self, pipeline: Pipeline, detector: Detector, key: tuple[object, ...]) -> None:
        old, self._used_by[pipeline] = self._used_by[pipeline], detector
        unused = self._keep(key, detector)
        if unused is not None and unused is not old:
            unused.close()
        if pipeline.is_finished:  # it would close what comes too late; the next pipeline gets it instead
            old.close()
        else:
            pipeline.swap_detector(detector)

    def close(self) -> None:
        """Closes the detector that was kept and removes the kept runs; to be called after the last pipeline was
        stopped. One that was opened just now, which nobody has taken yet, is stopped here."""
        with self._lock:
            self._is_closed = True
            left = [pipeline for pipeline in self._used_by if pipeline not in self._stopping]
        for pipeline in left:
            self.stop(pipeline)
        self.runs.close()
        with self._lock:
            if self._shelf is None or self._is_in_use(self._shelf[1]):
                return  # who has it closes it
            unused, self._shelf = self._shelf[1], None
        unused.close()

    def _make(self, config: RunConfig) -> Pipeline:
        borrowed: list[Detector] = []

        def lend() -> Detector:
            borrowed.append(self._detector(config))
            return borrowed[0]

        pipeline: Pipeline | None = None
        try:
            pipeline = self._services.open_pipeline(
                config, lend, self._style, self._place_for(config), self._source_count()
            )
            return pipeline
        finally:
            with self._lock:
                for detector in borrowed:
                    self._lent.remove(detector)
                    if pipeline is not None:
                        self._used_by[pipeline] = detector
            if self._is_closed and pipeline is None:
                self.close()

    def _place_for(self, config: RunConfig) -> KeepPlace | None:
        with self._places_lock:
            return self.runs.place_for(config)

    def _detector(self, config: RunConfig) -> Detector:
        with self._lock:
            if self._shelf is not None and getattr(self._shelf[1], "is_closed", False):
                self._shelf = None  # a share of a detector that has failed
            if self._shelf is not None and self._shelf[0] == config.of_the_detector:
                self._lent.append(self._shelf[1])
                return self._shelf[1]
        detector = self._services.make_detector(config)
        with self._lock:
            unused = self._keep(config.of_the_detector, detector)
            self._lent.append(detector)
        if unused is not None:
            unused.close()
        return detector

    def _keep(self, key: tuple[object, ...], detector: Detector) -> Detector | None:
        """Keeps the detector for the next source. Returns the one kept before where no pipeline has it: it is the
        caller's to close."""
        before, self._shelf = self._shelf, (key, detector)
        return None if before is None or self._is_in_use(before[1]) else before[1]

    def _is_in_use(self, detector: Detector) -> bool:
        return any(other is detector for other in (*self._used_by.values(), *self._lent))

    def _check(self, request: int) -> None:
        if request != self.newest_request:
            raise Superseded

    def _write_stats(self, pipeline: Pipeline) -> None:
        path = self._stats_paths.pop(pipeline, None)
        if path is None:
            return
        try:
            write_whole(path, json.dumps(pipeline.stats().as_dict(), indent=2) + "\n")
        except OutputError as error:
            log.warning("%s", error)
