"""Carries out what the user asks for: holds the running pipeline and keeps the player's state in step with it.

Free of Qt. Everything here is called from the GUI thread and returns at once; what takes time runs in Jobs.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rtdet.address import Address
from rtdet.config import RunConfig
from rtdet.errors import UnknownNameError
from rtdet.kept import Tracking
from rtdet.protocols import SourceState
from rtdet.terminal import say
from rtdet.types import Frame, FrameResult, Thresholds
from rtdet.video.sources.names import is_camera
from rtdet.viewer.jobs import Jobs
from rtdet.viewer.kept_review import KeptReview
from rtdet.viewer.kept_runs import MOST_BYTES, KeptRuns
from rtdet.viewer.names import short_name
from rtdet.viewer.notices import NoticeHandler, line_about
from rtdet.viewer.opener import Opener, Superseded
from rtdet.viewer.parts import Parts
from rtdet.viewer.places import Place
from rtdet.viewer.player import Message, Phase, PlayerState, Severity
from rtdet.viewer.recorder import Recorder
from rtdet.viewer.returning import Returning, can_return
from rtdet.viewer.reviewed_files import ReviewedFiles
from rtdet.viewer.services import Services
from rtdet.viewer.sign_in import SignIn
from rtdet.viewer.timeline.state import Timeline
from rtdet.viewer.timeline.worklist import Worklist
from rtdet.viewer.travel import Travel
from rtdet.viewer.window import SharedStyle, WindowState
from rtdet.viewer.zone_counting import ZoneCounting

if TYPE_CHECKING:
    from rtdet.pipeline import Pipeline

STILL_S = 3.0  # a picture among several sources is shown for so long


class Session:
    def __init__(
        self, player: PlayerState, window: WindowState, services: Services, config: RunConfig
    ) -> None:
        self.player, self.window = player, window
        self.services = services
        self.pipeline: Pipeline | None = None
        self.jobs = Jobs(self._job_failed, origin=self)
        self._style = SharedStyle(window, player)
        self.recorder = Recorder(player, self._style, services, self.jobs)
        self.sign_in = SignIn(window, self.jobs)
        self._config = config
        runs = KeptRuns(most_bytes=lambda: MOST_BYTES // window.source_count)
        self._opener = Opener(services, self._style, runs, lambda: window.source_count)
        self._waiting: dict[str, str] = {}
        self.travel = Travel(self, player, self.jobs)
        self._returning = Returning(player, self._return)
        self.has_ended, self._ended_at, self._has_said_it_waits = False, 0.0, False
        self._result: FrameResult | None = None
        self._lost: Message | None = None  # that the source was lost
        self._failed: str | None = None  # the source that could not be opened
        # Called with what to do once the edits that would be lost are saved, or are to be lost.
        self.ask_unsaved: Callable[[Callable[[], None]], None] = lambda go: go()
        self.review = KeptReview(self.jobs, lambda: window.lanes_open, player.say)
        self.files = ReviewedFiles(self, player, self.review, self.jobs, runs)
        self.timeline = Timeline()
        self.timeline.attend(self.review, self.jobs)
        self.worklist = Worklist()
        self.worklist.attend(self.review, self.jobs)
        self.counting = ZoneCounting(player, self.review, self.jobs, lambda: self._opener.runs.current)
        self.counting.watch("marks", lambda marks: setattr(player, "zones", marks))
        self._notices = NoticeHandler(self._is_mine)
        self._notices.install()
        self._base = base = Thresholds(max_detections=config.max_det)
        for name in ("confidence", "iou", "selection", "tracker"):
            player.watch(name, self._ask_review)
        self._parts = Parts(
            self, player, services, self.jobs, self._opener, base, self._model_chosen_while_closed
        )

    @property
    def config(self) -> RunConfig:
        """The configuration that describes the current settings."""
        return self.player.as_config(self._config, self.player.source)

    @property
    def queue(self) -> tuple[str, ...]:
        """What is played after the source that is open."""
        return self.player.queue

    @queue.setter
    def queue(self, sources: Sequence[str]) -> None:
        self.player.queue = tuple(sources)

    @property
    def is_opening(self) -> bool:
        return bool(self._waiting.get("open"))

    # Opening

    def play(self, *sources: str) -> None:
        """Opens the first source, and the others one after the other when the one before has ended."""

        def go() -> None:
            self.queue = sources[1:]
            self.open(sources[0])

        self._leave_for(sources[0], go)

    def _leave_for(self, source: str, go: Callable[[], None]) -> None:
        """Calls `go`, which opens the source; where edits would be lost by that, only after asking."""
        config = self.player.as_config(self._config, source)
        if self.review.unsaved and not self._opener.runs.goes_on(config):
            self.ask_unsaved(go)
        else:
            go()

    def play_next(self) -> None:
        """Goes on to the next source of the queue, if there is one. With `loop`, this one comes last."""
        if self.queue:
            self._leave_for(self.queue[0], self._open_next)

    def _open_next(self) -> None:
        if not self.queue:
            return
        if self.player.loop and self.player.source_info is not None:
            self.queue = (*self.queue, self.player.source)
        self._open_first_of_queue()

    def _open_first_of_queue(self) -> None:
        source, self.queue = self.queue[0], self.queue[1:]
        message = self.player.message
        self.open(source)
        self._keep(message)

    def open(
        self, source: str, *, start: float = 0.0, is_paused: bool = False, is_return: bool = False
    ) -> None:
        """Opens a source in a worker thread; with `is_paused` it stands on its first picture. What plays now goes on
        until the new one is there, except where both would want the same device. is_return: nobody has asked for it,
        and what was said of the source before still holds."""
        self._returning.forget()
        if Address.parse(source).is_incomplete:
            self.sign_in.complete(
                source,
                lambda whole: self.open(whole, start=start),
                lambda line: self.player.say(line, Severity.ERROR),
            )
            return
        player = self.player
        number = self._opener.newest_request = self._opener.newest_request + 1
        config, old = player.as_config(self._config, source, start), self.pipeline
        stop_first = is_camera(source) or source == player.source
        if stop_first:
            self.pipeline = None
        if self.pipeline is None:
            player.phase = Phase.LOADING
        if not is_return:
            player.message = None
        self.wait_for("open", f"Opening {short_name(source)}…")
        self.jobs.run(
            lambda: self._opener.open(number, config, old, stop_first=stop_first),
            done=lambda pipeline: self._opened(number, config, pipeline, is_paused=is_paused),
            failed=lambda error: self._open_failed(number, source, error),
            is_awaited=old is not None,  # which it stops, with its recording
        )

    def _opened(self, number: int, config: RunConfig, pipeline: Pipeline, *, is_paused: bool = False) -> None:
        if number != self._opener.newest_request:
            self.jobs.run(lambda: self._opener.stop(pipeline))
            return
        player = self.player
        self.wait_for("open", "")
        if player.message is not None and player.message.text == player.trouble:
            player.message = None  # what it said is over
        player.trouble = ""
        self._returning.opened()
        self.pipeline, self.has_ended, self._has_said_it_waits = pipeline, False, False
        self.travel.forget()
        # What was written once is not overwritten by playing again or by opening something else.
        self._failed = None
        self._config = replace(self._config.without_outputs(), duration=None, max_frames=None)
        if config.source != player.source:
            player.speed = 1.0
        if config.source != player.source or player.source_info is None:
            player.expect(pipeline.source.info.class_names)
        player.source, player.source_info = config.source, pipeline.source.info
        player.is_kept_run = self._opener.runs.is_old
        player.position_s, player.frame_index = config.start, None
        player.phase = Phase.PLAYING
        if is_paused and player.can_seek and not player.are_pictures:
            pipeline.pause()
            pipeline.seek(config.start)
            player.phase = Phase.PAUSED
        if pipeline.is_paused:  # on the first of single pictures
            player.phase = Phase.PAUSED
        if config.source != "demo":
            self.sign_in.opened(config.source)
        self._parts.opened(pipeline, config)
        self._review_what_is_kept(pipeline, config)
        self.counting.opened(pipeline, config)

    def _open_failed(self, number: int, source: str, error: Exception) -> None:
        if number != self._opener.newest_request or isinstance(error, Superseded):
            return
        self.wait_for("open", "")
        self._failed = source
        self.sign_in.refused(source)
        line = " ".join(line_about(error).split())
        if line != self.player.trouble:  # else it was said at the last attempt
            say(f"rtdet: error: {line}", err=True)
            self.player.say(line, Severity.ERROR, retry=True)
        if isinstance(error, UnknownNameError) and error.kind == "class":
            self.player.selection = None
        if self.pipeline is None:
            self._stay_without(source, line)
        if self.queue:
            self._open_first_of_queue()

    def _stay_without(self, source: str, why: str) -> None:
        """Nothing is open now. Of a source that may be there again by itself the last picture stays."""
        player = self.player
        player.trouble = why
        self._lose(source)
        if source == player.source and player.is_open and self.window.has_several and can_return(source):
            player.phase = Phase.ENDED
            return
        player.source, player.source_info, player.is_kept_run = source, None, False
        player.phase = Phase.EMPTY

    def _lose(self, source: str) -> None:
        """In a window with several sources nobody looks after each of them: what can come back does so by itself."""
        if self.window.has_several:
            self._returning.lost(source)

    def _return(self) -> None:
        self.open(self._failed or self.player.source, is_return=True)

    def _model_chosen_while_closed(self) -> None:
        if self._failed is not None:
            self.retry()  # perhaps it was the model that kept the source from opening

    def retry(self) -> None:
        source = self._failed or self.player.source
        self._leave_for(source, lambda: self.open(source))

    # Playing

    def toggle_play(self) -> None:
        pipeline, player = self.pipeline, self.player
        if pipeline is None:
            return
        if player.phase is Phase.ENDED:
            self.replay()
        elif player.phase is Phase.PLAYING:
            pipeline.pause()
            player.phase = Phase.PAUSED
        elif player.phase is Phase.PAUSED:
            if player.are_pictures and player.position_s >= player.last_s:
                pipeline.seek(0.0)
            pipeline.resume()
            player.phase = Phase.PLAYING

    def step(self) -> None:
        """Pauses, or, when paused, shows the next frame; of single pictures the next at once."""
        if self.pipeline is None or self.player.phase is Phase.ENDED:
            return
        if self.player.are_pictures:
            self._turn(1)
        elif self.player.phase is Phase.PLAYING:
            self.toggle_play()
        else:
            self.pipeline.step()

    def _turn(self, by: int) -> None:
        """Stands on the next of single pictures, or the one before; after the last comes what was given besides."""
        player, info = self.player, self.player.source_info
        if player.phase is Phase.PLAYING:
            self.toggle_play()
        t = player.position_s + by / ((info and info.fps) or 1.0)
        if t <= player.last_s:
            self.seek(t)
        else:
            self.play_next()

    def seek(self, t: float) -> None:
        self.travel.seek(t)

    def step_back(self, t: float) -> None:
        if self.player.are_pictures and self.pipeline is not None and not self.has_ended:
            self._turn(-1)
        else:
            self.travel.step_back(t)

    def go_to(self, place: Place) -> None:
        self.travel.go_to(place)

    def replay(self) -> None:
        source = self.player.source
        self._leave_for(source, lambda: self.open(source))

    # Keeping

    def record(self, path: Path | None = None) -> None:
        """Begins a recording of what is shown, at `path` or in the user's folder of videos."""
        self.recorder.start(self.pipeline, self.config, path)

    def toggle_recording(self) -> None:
        if self.recorder.sink is not None:
            self.recorder.stop()
        elif not self.recorder.is_busy:
            self.record()

    # Reviewing

    @property
    def tracking(self) -> Tracking:
        """What turns candidates into tracks, as the window stands."""
        wanted, config = self.player.thresholds(self._base), self.config
        return Tracking(
            wanted.confidence,
            wanted.iou,
            tuple(sorted(wanted.classes)),
            wanted.max_detections,
            config.tracker,
            config.set,
        )

    def _review_what_is_kept(self, pipeline: Pipeline, config: RunConfig) -> None:
        path = self._opener.runs.current
        if path is None:
            self.review.end()
            return
        runs = self._opener.runs
        self.review.begin(path, pipeline, self.tracking, is_old=runs.is_old, is_passing=runs.is_own)
        self.jobs.run(self._opener.runs.clear, is_awaited=False)

    def _ask_review(self, _value: object = None) -> None:
        pipeline = self.pipeline
        self.review.ask(self.tracking, None if pipeline is None else pipeline.newest_frame())

    def _job_failed(self, error: Exception) -> None:
        self.player.say(line_about(error), Severity.ERROR)

    # Time passes

    def poll(self) -> None:
        """Called some twenty times a second: fetches what workers found, and looks at the pipeline."""
        self.jobs.drain()
        self._say_notices()
        self.recorder.poll()
        self._returning.poll()
        pipeline, player = self.pipeline, self.player
        if player.is_enlarged:
            self.review.poll()
        self.counting.poll()
        if pipeline is None:
            player.reconnecting = False
            return
        self.travel.flush()
        was_lost, player.reconnecting = (
            player.reconnecting,
            pipeline.source.state is SourceState.RECONNECTING,
        )
        if was_lost and not player.reconnecting:
            player.trouble = ""
            if player.message is self._lost:
                player.message = None  # what it said is over
        frame = pipeline.newest_frame()
        if frame is not None and not self.travel.is_under_way:
            player.position_s = player.duration_s or frame.t if self._is_at_end else frame.t
            player.frame_index = frame.index
        result = pipeline.newest_result()
        if result is not None and result is not self._result:
            self._result = result  # an old one knows nothing of a model chosen since
            if result.detections.class_names:
                player.learn_classes(result.detections.class_names)
            player.see([result.tracks.name_of(row) for row in range(len(result.tracks))])
        if player.are_pictures:
            self._follow_pictures(pipeline, frame)
        if pipeline.is_finished and not self.is_opening:
            self._end(pipeline)

    def _follow_pictures(self, pipeline: Pipeline, frame: Frame | None) -> None:
        """Keeps up with the name, the number (less those that cannot be read) and the end of a slide show."""
        player = self.player
        player.source_info = pipeline.source.info
        player.file_name = frame.name if frame is not None else ""
        if player.phase is not Phase.PLAYING or not pipeline.is_paused:
            return
        if self.queue:
            self.play_next()
            player.phase = Phase.PAUSED
        elif player.loop:
            pipeline.seek(0.0)
            pipeline.resume()
        else:
            player.phase = Phase.PAUSED

    def _say_notices(self) -> None:
        player = self.player
        for notice in self._notices.take():
            if notice.level >= logging.WARNING:
                is_lost = notice.state is SourceState.RECONNECTING
                if is_lost:
                    player.trouble = " ".join(notice.text.split())
                player.say(notice.text, Severity.WARNING)
                if is_lost:
                    self._lost = player.message
            elif self.is_opening:
                self.wait_for("open", f"{notice.text}…")

    def _is_mine(self, worked_for: object | None) -> bool:
        """Whether a line in the log is of this source: logged by a thread that works for it, or there is no other."""
        return worked_for is self or (worked_for is None and not self.window.has_several)

    @property
    def _is_at_end(self) -> bool:
        return self.has_ended and self.pipeline is not None and self.pipeline.error is None

    def _end(self, pipeline: Pipeline) -> None:
        player, error = self.player, pipeline.error
        if not self.has_ended:
            self.has_ended, self._ended_at = True, time.monotonic()
            player.phase = Phase.ENDED
            if error is not None:
                player.say(line_about(error), Severity.ERROR, retry=True)
                player.trouble = player.message.text if player.message is not None else ""
                self._lose(player.source)
            if error is None and player.loop and not self.queue:
                message = player.message
                self.replay()
                self._keep(message)
        is_still = player.source_info is not None and player.source_info.frame_count == 1
        if not self.queue or time.monotonic() - self._ended_at < (STILL_S if is_still else 0.0):
            return
        if not self.review.unsaved:
            self.play_next()
        elif not self._has_said_it_waits:
            self._has_said_it_waits = True
            self.player.say(
                "The next source waits, as the edits of this one are not saved. Page Down goes on."
            )

    def _keep(self, message: Message | None) -> None:
        """Shows what was said of the source before, and not read yet perhaps, beside the new one."""
        if message is not None and message.severity is not Severity.INFO:
            self.player.message = replace(message, retry=False)

    def wait_for(self, what: str, text: str) -> None:
        before, message = self.player.loading, self.player.message
        self._waiting[what] = text
        self.player.loading = " ".join(line for line in self._waiting.values() if line)
        if before and message is not None and message.text.startswith(before):
            self.player.message = None  # it said that one has to wait for what is there now

    def close(self, timeout_s: float = 2.0) -> None:
        """Stops everything, a recording first of all; returns within `timeout_s`."""
        self.begin_close(timeout_s)
        self.end_close(timeout_s)

    def begin_close(self, timeout_s: float = 2.0) -> None:
        """Has everything stopped within `timeout_s`, in threads of their own. Never waits."""
        self._returning.forget()
        self._opener.newest_request += 1
        self.counting.close()
        pipeline, self.pipeline = self.pipeline, None
        if pipeline is not None:
            self.jobs.run(lambda: self._opener.stop(pipeline, timeout_s))

    def end_close(self, timeout_s: float = 2.0) -> None:
        """Waits for that, and lets go of what is left."""
        self.jobs.join(timeout_s)
        self.review.close()
        self._opener.close()
        self._notices.remove()
        self._style.end()
