"""Records what is shown, one recording at a time, and saves snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rtdet.config import RunConfig
from rtdet.errors import OutputError
from rtdet.overwriting import refuse_overwriting
from rtdet.types import Frame
from rtdet.video.draw import Mark
from rtdet.video.sources.inputs import files_of_source
from rtdet.viewer.jobs import Jobs
from rtdet.viewer.names import dated_path, pictures_folder, videos_folder
from rtdet.viewer.notices import line_about
from rtdet.viewer.player import Phase, PlayerState, Severity
from rtdet.viewer.services import Services
from rtdet.viewer.viewer_sink import ViewerSink, write_snapshot
from rtdet.viewer.window import SharedStyle

if TYPE_CHECKING:
    from rtdet.pipeline import Pipeline


class Recorder:
    """Starts and ends recordings of the running pipeline; `poll` notices when one has ended by itself.

    sink: the current recording, or None.
    """

    def __init__(self, player: PlayerState, style: SharedStyle, services: Services, jobs: Jobs) -> None:
        self._style = style
        self.sink: ViewerSink | None = None
        self._player, self._services, self._jobs = player, services, jobs
        self._pipeline: Pipeline | None = None
        self._starting = False

    @property
    def is_busy(self) -> bool:
        """Whether a recording is under way or about to begin."""
        return self.sink is not None or self._starting

    def start(self, pipeline: Pipeline | None, config: RunConfig, path: Path | None = None) -> None:
        """Records what the pipeline shows to `path`, or to a dated file in the user's folder of videos."""
        player, info = self._player, self._player.source_info
        if pipeline is None or info is None or player.phase is Phase.ENDED:
            player.say("Nothing is playing, so there is nothing to record. Open or play something first.")
            return
        path = path or dated_path(videos_folder(), player.name or player.source, ".mp4")
        position_s = player.position_s
        # Of a film, the section that is recorded has its own sound; what is live is not read a second time.
        is_film = not info.is_live and not info.are_pictures
        recorded, source = config if is_film else replace(config, source=""), player.source
        self._starting = True

        def begin() -> ViewerSink:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(f"cannot make the folder {path.parent}: {error.strerror}") from error
            refuse_overwriting({"the recording": path}, files_of_source(source))
            inside = self._services.open_recording(path, info, recorded, self._style)
            sink = ViewerSink(inside, path, interval_s=1 / (info.fps or 25.0), keeps_times=is_film)
            pipeline.add_sink(sink)
            if info.are_pictures:
                pipeline.seek(position_s)  # the one on screen is the first
            return sink

        def begun(sink: ViewerSink) -> None:
            self._starting = False
            self.sink, self._pipeline = sink, pipeline
            player.recording = path

        def failed(error: Exception) -> None:
            self._starting = False
            player.say(line_about(error), Severity.ERROR)

        self._jobs.run(begin, done=begun, failed=failed)

    def stop(self) -> None:
        sink, pipeline = self.sink, self._pipeline
        if sink is None or pipeline is None:
            return
        self._player.recording = None

        def end() -> None:
            try:
                pipeline.remove_sink(sink)
            finally:
                sink.close()

        self._jobs.run(end)

    def poll(self) -> None:
        """Reports a recording that has ended: complete, with its source, or because of an error."""
        sink, player = self.sink, self._player
        if sink is None or not (sink.closed or sink.error):
            return
        if sink.error is not None:
            pipeline = self._pipeline
            if pipeline is not None and not pipeline.is_finished:
                self._jobs.run(lambda: pipeline.remove_sink(sink))
            player.say(f"The recording has stopped: {line_about(sink.error)}", Severity.ERROR)
        elif sink.frames:
            each = ", each picture for a second" if player.are_pictures else ""
            player.say(f"Recording saved: {sink.path}{each}", recording=sink.path)
        self.sink = self._pipeline = None
        player.recording = None

    def snapshot(self, frame: Frame | None, marks: Sequence[Mark], path: Path | None = None) -> None:
        """Writes what is on screen, at the source's own size, in a worker thread."""
        player = self._player
        if frame is None:
            waits = player.is_open or player.loading
            text = "no picture to save yet." if waits else "no picture to save. Open something first."
            player.say(f"{player.loading} There is {text}")
            return
        style = self._style()
        target = path or dated_path(pictures_folder(), player.name or player.source, ".png")
        self._jobs.run(
            lambda: write_snapshot(target, frame, marks, style),
            done=lambda _none: player.say(f"Snapshot saved: {target}"),
            failed=lambda error: player.say(line_about(error), Severity.ERROR),
        )
