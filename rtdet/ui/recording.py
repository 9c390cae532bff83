"""The session's part about keeping what is shown: one recording at a time, and snapshots."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rtdet.errors import OutputError
from rtdet.state import Phase, Severity
from rtdet.types import Frame, Tracks
from rtdet.ui.names import dated_path
from rtdet.ui.notices import describe
from rtdet.ui.viewer_sink import ViewerSink, write_snapshot

if TYPE_CHECKING:
    from rtdet.pipeline import Pipeline
    from rtdet.ui.session import Session


class Recording:
    """Starts and ends recordings of the session's pipeline; `poll` notices when one has ended by itself.

    sink: the recording under way, or None.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.sink: ViewerSink | None = None
        self._pipeline: Pipeline | None = None
        self._starting = False
        self.started_at = 0.0

    def toggle(self, path: Path | None = None) -> None:
        if self.sink is not None:
            self.stop()
        elif not self._starting:
            self.start(path)

    def start(self, path: Path | None = None) -> None:
        """Records to `path`, or to a dated file in the user's folder of videos."""
        session, state = self._session, self._session.state
        pipeline, info = session.pipeline, state.source_info
        if pipeline is None or info is None or state.phase is Phase.ENDED:
            state.say("Nothing is playing that could be recorded. Open or play something first.")
            return
        path = path or dated_path(videos_folder(), state.source, ".mp4")
        config = replace(session.config, source="")
        self._starting = True

        def begin() -> ViewerSink:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(f"cannot make the folder {path.parent}: {error.strerror}") from error
            inside = session.services.open_recording(path, info, config)
            sink = ViewerSink(inside, path, interval_s=1 / (info.fps or 25.0))
            pipeline.add_sink(sink)
            return sink

        def begun(sink: ViewerSink) -> None:
            self._starting = False
            self.sink, self._pipeline = sink, pipeline
            self.started_at = time.monotonic()
            state.recording = path

        def failed(error: Exception) -> None:
            self._starting = False
            state.say(describe(error), Severity.ERROR)

        session.jobs.run(begin, done=begun, failed=failed)

    def stop(self) -> None:
        sink, pipeline = self.sink, self._pipeline
        if sink is None or pipeline is None:
            return
        self._session.state.recording = None

        def end() -> None:
            try:
                pipeline.remove_sink(sink)
            finally:
                sink.close()

        self._session.jobs.run(end)

    def poll(self) -> None:
        """Says what became of a recording that is complete, broke, or ended with its source."""
        sink, state = self.sink, self._session.state
        if sink is None or not (sink.closed or sink.error):
            return
        if sink.error is not None:
            pipeline = self._pipeline
            if pipeline is not None and not pipeline.is_finished:
                self._session.jobs.run(lambda: pipeline.remove_sink(sink))
            state.say(f"The recording has stopped: {describe(sink.error)}", Severity.ERROR)
        elif sink.frames:
            state.say(f"Recording saved: {sink.path}")
        self.sink = self._pipeline = None
        state.recording = None

    def snapshot(self, frame: Frame | None, tracks: Tracks | None, path: Path | None = None) -> None:
        """Writes what is on screen, at the source's own size, in a worker thread."""
        state = self._session.state
        if frame is None:
            waits = state.is_open or state.loading
            text = "no picture to keep yet." if waits else "no picture to keep. Open something first."
            state.say(f"{state.loading} There is {text}")
            return
        target = path or dated_path(pictures_folder(), state.source, ".png")
        self._session.jobs.run(
            lambda: write_snapshot(target, frame, tracks),
            done=lambda _none: state.say(f"Snapshot saved: {target}"),
            failed=lambda error: state.say(describe(error), Severity.ERROR),
        )


def videos_folder() -> Path:
    import platformdirs

    return Path(platformdirs.user_videos_dir())


def pictures_folder() -> Path:
    import platformdirs

    return Path(platformdirs.user_pictures_dir())
