"""What a worker does with a task."""

from __future__ import annotations

import errno
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from rtdet.address import redact
from rtdet.batch import facts
from rtdet.batch.cutting import find_cuts, may_be_cut
from rtdet.batch.data_set import DataSetWriter
from rtdet.batch.detectors import Detectors, NotingDetector
from rtdet.batch.joining import FoundAlready, JoinedSource, PieceDetector, check_seams
from rtdet.batch.layout import PIECE_FILE, STATS_FILE, TRACKS_FILE
from rtdet.batch.opening import av_file, open_piece, open_source_of
from rtdet.batch.piece_file import NotJoinableError, PieceFound, write_piece
from rtdet.batch.settings import Settings
from rtdet.batch.tasks import JOIN, PIECE, Outcome, Progress, Task
from rtdet.build import build_pipeline
from rtdet.config import RunConfig
from rtdet.errors import ModelError, OutputError, RtdetError, SourceError, UsageError
from rtdet.kept.building import kept_run_path
from rtdet.output_file import write_whole
from rtdet.pipeline import Pipeline
from rtdet.protocols import Detector, Sink, Source
from rtdet.tracks.sinks import FileSink
from rtdet.types import SourceInfo
from rtdet.video.sources.container import FileSource

_LOOK_EVERY_S = 0.5
# Where the batch's folder cannot be written, every source would fail.
_NO_PLACE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)

Tell = Callable[[Progress], None]


class _CutHereError(Exception):
    """A source is to be worked through in pieces."""

    def __init__(self, cuts: tuple[int, ...], info: SourceInfo) -> None:
        self.cuts, self.info = cuts, info


class Work:
    """Does one task after the other; keeps its models open."""

    def __init__(self) -> None:
        self._detectors = Detectors()

    def do(self, task: Task, tell: Tell) -> Outcome:
        """Raises nothing: what goes wrong is in the outcome."""
        began = time.monotonic()
        warnings = _Warnings()
        logger = logging.getLogger("rtdet")
        logger.addHandler(warnings)
        try:
            outcome = self._do(task, tell)
        except _CutHereError as cut:
            about_source = facts.of_source(task.source, cut.info) | {"duration_s": cut.info.duration_s}
            outcome = Outcome(facts=about_source, cuts=cut.cuts)
        except NotJoinableError as error:
            outcome = Outcome(not_joinable=str(error))
        except Exception as error:
            outcome = _outcome_of(error)
            if not isinstance(error, SourceError):
                self._detectors.drop()
        finally:
            logger.removeHandler(warnings)
        about = {
            "seconds": time.monotonic() - began,
            "machine": facts.machine_name(),
            "warning": warnings.text,
        }
        return replace(outcome, facts={**outcome.facts, **about})

    def _do(self, task: Task, tell: Tell) -> Outcome:
        if task.kind == PIECE:
            return self._piece(task, tell)
        if task.kind == JOIN:
            return self._join(task, tell)
        return self._whole(task, tell)

    # One pass

    def _whole(self, task: Task, tell: Tell) -> Outcome:
        config = _config(task)

        def open_it(wanted: RunConfig) -> Source:
            source = open_source_of(wanted)
            try:
                _refuse_endless(source.info, wanted)
                cut = task.cut if may_be_cut(wanted) and isinstance(source, FileSource) else None
                if cut is not None and isinstance(source, FileSource):
                    with av_file(task.source) as file:
                        cuts = find_cuts(source, file, cut)
                    if cuts:
                        raise _CutHereError(cuts, source.info)
            except BaseException:
                source.close()
                raise
            return source

        return self._run(
            task, config, open_it, lambda info: self._detectors.get(config, info, loading(tell)), tell
        )

    def _run(
        self,
        task: Task,
        config: RunConfig,
        source_opener: Callable[[RunConfig], Source],
        detector_of: Callable[[SourceInfo], Detector],
        tell: Tell,
    ) -> Outcome:
        """A run with all outputs of the source."""
        opened: list[SourceInfo] = []
        writers: list[DataSetWriter] = []

        def open_it(wanted: RunConfig) -> Source:
            source = source_opener(wanted)
            opened.append(source.info)
            return source

        def more_sinks(info: SourceInfo) -> Sequence[Sink]:
            writers.append(DataSetWriter(Path(task.folder, TRACKS_FILE)))
            return [FileSink(writers[0], lambda result: result.tracks, are_pictures=info.are_pictures)]

        is_kept = kept_run_path(config.source) is not None
        pipeline = build_pipeline(
            config,
            more_sinks,
            lend_detector=None if is_kept else lambda: detector_of(opened[0]),
            source_opener=open_it,
        )
        last_s = _to_end(pipeline, tell)
        (info,) = opened
        write_whole(Path(task.folder, STATS_FILE), json.dumps(pipeline.stats().as_dict(), indent=2) + "\n")
        known = facts.of_source(task.source, info) | facts.of_model(config.model)
        duration_s = info.duration_s if info.duration_s is not None else last_s
        return Outcome(
            facts={**known, "duration_s": duration_s, "frames": writers[0].frames, "rows": writers[0].rows}
        )

    # In pieces

    def _piece(self, task: Task, tell: Tell) -> Outcome:
        config = replace(_config(task).without_outputs(), camera_motion=False, zones=None, clock=None)
        if "keep" in Settings.from_dict(task.settings).files:
            # Has the detector asked for what a kept run has, as in one pass.
            config = replace(config, keep=str(Path(task.folder, "candidates.rtdet")))
        noting: list[NotingDetector] = []
        sources = [open_piece(config, task.begin, task.end)]

        def lend() -> Detector:
            noting.append(NotingDetector(self._detectors.get(config, sources[0].info, loading(tell))))
            return noting[0]

        pipeline = build_pipeline(config, lend_detector=lend, source_opener=lambda _: sources[0])
        _to_end(pipeline, tell)
        seen, found = sources[0].seen, noting[0]
        if len(seen.pts) != len(found.found):
            raise NotJoinableError("not every picture was looked at")
        write_piece(Path(task.folder, PIECE_FILE), PieceFound(seen, found.sizes, found.found))
        return Outcome(facts={"frames": len(seen.pts)})

    def _join(self, task: Task, tell: Tell) -> Outcome:
        check_seams(task.files)
        config = _config(task)
        source = open_source_of(config)
        if not isinstance(source, FileSource):
            source.close()
            raise NotJoinableError("it is another kind of source now")
        # Who draws, or follows the camera, needs the pictures once more; who only tracks does not.
        needs_pictures = config.save is not None or config.camera_motion
        used: Source = source
        found_already = FoundAlready(task.files)
        find = found_already.found
        if not needs_pictures:
            joined = JoinedSource(task.files, source)
            used, find = joined, joined.found

        def lend(info: SourceInfo) -> Detector:
            real = self._detectors.get(config, info, loading(tell))
            suppression = getattr(real, "suppression", "none")
            return PieceDetector(find, real.class_names, real.thresholds, suppression)

        outcome = self._run(task, config, lambda _: used, lend, tell)
        if needs_pictures and not found_already.is_at_end():
            raise NotJoinableError("read once more, it has fewer pictures")
        return outcome


def loading(tell: Tell) -> Callable[[], None]:
    """What says that a model is being loaded."""
    return lambda: tell(Progress(is_loading=True))


def _config(task: Task) -> RunConfig:
    return Settings.from_dict(task.settings).config(task.source, task.folder)


def _refuse_endless(info: SourceInfo, config: RunConfig) -> None:
    if info.is_live and config.duration is None and config.max_frames is None:
        raise UsageError(
            f"{info.name} is live and has no end: say how long with --duration or a column `duration`"
        )


def _to_end(pipeline: Pipeline, tell: Tell) -> float:
    """Runs the pipeline to its end and tells how far it is; gives the time of its last frame. Raises its error."""
    with pipeline:
        pipeline.start()
        while not pipeline.join(_LOOK_EVERY_S):
            tell(_progress(pipeline))
        last = _progress(pipeline)
        tell(last)
    return last.time_s


def _progress(pipeline: Pipeline) -> Progress:
    newest = pipeline.newest_result()
    return Progress(pipeline.stats(percentiles=False).processed, 0.0 if newest is None else newest.frame.t)


def _outcome_of(error: Exception) -> Outcome:
    """A task that failed: whose fault it is, and whether it may go better next time."""
    cause = error if isinstance(error, OSError) else error.__cause__
    is_full = isinstance(cause, OSError) and cause.errno in _NO_PLACE
    is_full = is_full or (isinstance(error, OutputError) and "the disk is full" in str(error))
    line = " ".join(redact(str(error)).split()) or type(error).__name__
    kind = type(error).__name__
    if is_full:
        return Outcome(error=line, error_kind=kind, is_of_batch=True, exit_code=OutputError.exit_code)
    if isinstance(error, RtdetError):
        is_final = isinstance(error, (UsageError, ModelError))
        return Outcome(error=line, error_kind=kind, is_final=is_final, exit_code=error.exit_code)
    return Outcome(error=f"{kind}: {line}", error_kind=kind)


class _Warnings(logging.Handler):
    """Collects what is warned of a source."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._lines: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        self._lines[" ".join(redact(record.getMessage()).split())] = None

    @property
    def text(self) -> str:
        return "; ".join(self._lines)
