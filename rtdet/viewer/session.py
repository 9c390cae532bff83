"""Carries out what the user asks for: holds the running pipeline and keeps the player's state in step with it.

Free of Qt. Everything here is called from the GUI thread and returns at once; what takes time runs in Jobs.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtdet.address import Address, hide_secrets
from rtdet.config import RunConfig
from rtdet.errors import UnknownNameError
from rtdet.protocols import Detector, SourceState, Tracker
from rtdet.types import FrameResult, Thresholds
from rtdet.video.sources.names import is_camera
from rtdet.viewer import system_keyring
from rtdet.viewer.jobs import Jobs
from rtdet.viewer.names import absolute, short_name
from rtdet.viewer.notices import NoticeHandler, line_about
from rtdet.viewer.opener import Opener, Superseded
from rtdet.viewer.player import Message, Phase, PlayerState, Severity
from rtdet.viewer.recorder import Recorder
from rtdet.viewer.services import Services
from rtdet.viewer.window import SharedStyle, WindowState

if TYPE_CHECKING:
    from rtdet.pipeline import Pipeline

SEEK_EVERY_S = 0.08
HOLD_POSITION_S = 0.3


class Session:
    def __init__(
        self, player: PlayerState, window: WindowState, services: Services, config: RunConfig
    ) -> None:
        self.player, self.window = player, window
        self.services = services
        self.pipeline: Pipeline | None = None
        self.queue: list[str] = []  # what is played after the source that is open
        self.jobs = Jobs(self._job_failed)
        self.recorder = Recorder(player, window, services, self.jobs)
        self._config = config
        self._base = Thresholds(max_detections=config.max_det)
        self._opener = Opener(services, SharedStyle(window))
        self._waiting: dict[str, str] = {}
        self._model, self._tracker = player.model, player.tracker
        self._tracker_in_the_making = False
        self._seek_to: float | None = None
        self._sought_at = 0.0
        self._ended = False
        self._result: FrameResult | None = None
        self._lost: Message | None = None  # that the source was lost
        self._failed: str | None = None  # the source that could not be opened
        # Set by the window: asks for what an address lacks; calls back with the whole one, and whether the system's
        # keyring is to have it.
        self.ask_secrets: Callable[[Address, Callable[[str, bool], None]], None] | None = None
        self._whole: dict[str, str] = {}  # addresses of this session by what is shown of them
        self._asked_for: dict[str, str] = {}  # the other way round, for those that a person has completed
        self._for_keyring: set[str] = set()
        self._refused: set[str] = set()  # what the keyring has for them was wrong
        self._notices = NoticeHandler()
        self._notices.install()
        for name in ("confidence", "iou", "selection"):
            player.watch(name, self._apply_thresholds)
        player.watch("model", self._apply_model)
        player.watch("tracker", self._apply_tracker)
        player.watch("camera_motion", self._apply_camera_motion)

    @property
    def config(self) -> RunConfig:
        """The configuration that describes the current settings."""
        return self.player.as_config(self._config, self.player.source)

    # Opening

    def open(self, source: str, *, start: float = 0.0, is_paused: bool = False) -> None:
        """Opens a source in a worker thread; with `is_paused` it stands on its first picture. What plays now goes on
        until the new one is there, except where both would want the same device."""
        if Address.parse(source).is_incomplete:
            self._complete(source, start)
            return
        player = self.player
        number = self._opener.newest_request = self._opener.newest_request + 1
        config, old = player.as_config(self._config, source, start), self.pipeline
        stop_first = is_camera(source) or source == player.source
        if stop_first:
            self.pipeline = None
        if self.pipeline is None:
            player.phase = Phase.LOADING
        player.message = None
        self._wait_for("open", f"Opening {short_name(source)}…")
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
        self._wait_for("open", "")
        self.pipeline, self._ended, self._seek_to = pipeline, False, None
        # What was written once is not overwritten by playing again or by opening something else.
        self._failed = None
        self._config = replace(
            self._config, save=None, tracks=None, stats=None, duration=None, max_frames=None
        )
        self._model, self._tracker = config.model, config.tracker
        player.source, player.source_info = config.source, pipeline.source.info
        player.position_s = config.start
        player.phase = Phase.PLAYING
        if is_paused and player.can_seek:
            pipeline.pause()
            pipeline.seek(config.start)
            player.phase = Phase.PAUSED
        if config.source != "demo":
            self._remember(config.source)
        self._apply_thresholds()
        self._apply_model()
        self._apply_tracker()
        if config.camera_motion != player.camera_motion:
            self._apply_camera_motion()

    def _open_failed(self, number: int, source: str, error: Exception) -> None:
        if number != self._opener.newest_request or isinstance(error, Superseded):
            return
        self._wait_for("open", "")
        self._failed = source
        self._refused.add(self._asked_for.get(source) or hide_secrets(source))
        self._for_keyring.discard(source)
        self.player.say(line_about(error), Severity.ERROR, retry=True)
        if isinstance(error, UnknownNameError) and error.kind == "class":
            self.player.selection = None
        if self.pipeline is None:
            self.player.source = source
            self.player.source_info = None
            self.player.phase = Phase.EMPTY

    def retry(self) -> None:
        self.open(self._failed or self.player.source)

    def _remember(self, source: str) -> None:
        """As a source that was opened; what is secret of it stays in this process, or in the keyring."""
        shown = self._asked_for.get(source) or hide_secrets(source)
        self.window.add_recent(absolute(source) if shown == source else shown)
        self._whole[shown] = source
        self._refused.discard(shown)
        if source in self._for_keyring:
            self._for_keyring.discard(source)
            self.jobs.run(lambda: system_keyring.store(shown, source), is_awaited=False)

    def _complete(self, shown: str, start: float) -> None:
        """Opens an address that was remembered without its secrets: from this session, from the keyring, or asked."""
        if shown in self._whole:
            self.open(self._whole[shown], start=start)
            return

        def given(whole: str, keep: bool) -> None:
            self._asked_for[whole] = shown
            if keep:
                self._for_keyring.add(whole)
            self.open(whole, start=start)

        def found(whole: str | None) -> None:
            if whole is not None:
                self.open(whole, start=start)
            elif self.ask_secrets is not None:
                self.ask_secrets(Address.parse(shown), given)
            else:
                self.player.say(f"{shown} needs its password again: open the whole address", Severity.ERROR)

        if shown in self._refused:
            found(None)
        else:
            self.jobs.run(lambda: system_keyring.recall(shown), done=found, lane="keyring", is_awaited=False)

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
            pipeline.resume()
            player.phase = Phase.PLAYING

    def step(self) -> None:
        """Pauses, or, when paused, shows the next frame."""
        if self.pipeline is None or self.player.phase is Phase.ENDED:
            return
        if self.player.phase is Phase.PLAYING:
            self.toggle_play()
        else:
            self.pipeline.step()

    def step_back(self, t: float) -> None:
        """Pauses on the picture before the one of time `t`, also at the end."""
        player = self.player
        if self.pipeline is None or player.source_info is None or not player.can_seek:
            return
        if player.phase is Phase.PLAYING:
            self.toggle_play()
        before = t - 1 / (player.source_info.fps or 25.0)
        if self._ended:
            player.position_s = max(before, 0.0)
            self.open(player.source, start=max(before, 0.0), is_paused=True)
        else:
            self.seek(before)

    def seek(self, t: float) -> None:
        """Goes to `t` seconds, if the source can seek. Of several requests in a row, the newest is carried out."""
        player = self.player
        if self.pipeline is None or not player.can_seek:
            return
        t = min(max(t, 0.0), player.duration_s or 0.0)
        self._seek_to = player.position_s = t
        self._flush_seek()

    def replay(self) -> None:
        self.open(self.player.source)

    def _flush_seek(self) -> None:
        now = time.monotonic()
        if self._seek_to is None or self.pipeline is None or now - self._sought_at < SEEK_EVERY_S:
            return
        t, self._seek_to, self._sought_at = self._seek_to, None, now
        if self._ended:
            self.open(self.player.source, start=t)
        else:
            self.pipeline.seek(t)

    # Keeping

    def record(self, path: Path | None = None) -> None:
        """Begins a recording of what is shown, at `path` or in the user's folder of videos."""
        self.recorder.start(self.pipeline, self.config, path)

    def toggle_recording(self) -> None:
        if self.recorder.sink is not None:
            self.recorder.stop()
        elif not self.recorder.is_busy:
            self.record()

    # Model, tracker, thresholds

    def _apply_thresholds(self, _value: Any = None) -> None:
        if self.pipeline is not None:
            self.pipeline.set_thresholds(self.player.thresholds(self._base))

    def _apply_model(self, _value: Any = None) -> None:
        name, pipeline = self.player.model, self.pipeline
        self._opener.wanted_model = name
        if pipeline is None and self._failed is not None:
            self.retry()  # perhaps it was the model that kept the source from opening
        if pipeline is None or name == self._model or self._waiting.get("open"):
            return
        config, number = replace(self.config, classes=()), self._opener.newest_request
        self._wait_for("model", f"Loading model {short_name(name)}…")
        self.jobs.run(
            lambda: self._opener.swap_detector(pipeline, config, number),
            done=lambda detector: self._model_loaded(name, detector),
            failed=lambda error: self._model_failed(name, error),
            lane="model",
            is_awaited=False,
        )

    def _model_loaded(self, name: str, detector: Detector) -> None:
        self._model = name
        self.player.learn_classes(detector.class_names)
        self._apply_thresholds()
        if self.player.model == name:
            self._wait_for("model", "")

    def _model_failed(self, name: str, error: Exception) -> None:
        if self.player.model == name:
            self._wait_for("model", "")
        if isinstance(error, Superseded):
            return
        self.player.say(line_about(error), Severity.ERROR)
        if self.player.model == name:
            self.player.model = self._model

    def _apply_tracker(self, _value: Any = None) -> None:
        name, pipeline = self.player.tracker, self.pipeline
        if pipeline is None or name == self._tracker or self._tracker_in_the_making:
            return
        self._tracker_in_the_making = True
        info = pipeline.source.info
        self.jobs.run(
            lambda: self.services.make_tracker(name, info),
            done=lambda tracker: self._tracker_made(name, pipeline, tracker),
            failed=lambda error: self._tracker_failed(name, error),
        )

    def _tracker_made(self, name: str, pipeline: Pipeline, tracker: Tracker | None) -> None:
        """Only what is wanted still is put in: a tracker begins all IDs anew."""
        self._tracker_in_the_making = False
        if self.player.tracker == name and self.pipeline is pipeline:
            pipeline.swap_tracker(tracker)
            self._tracker = name
        self._apply_tracker()  # another one, or another source, may have been chosen meanwhile

    def _tracker_failed(self, name: str, error: Exception) -> None:
        self._tracker_in_the_making = False
        self.player.say(line_about(error), Severity.ERROR)
        if self.player.tracker == name:
            self.player.tracker = self._tracker
        self._apply_tracker()

    def _apply_camera_motion(self, _value: Any = None) -> None:
        if self.pipeline is not None:
            self.pipeline.compensate_camera(self.player.camera_motion)

    def _job_failed(self, error: Exception) -> None:
        self.player.say(line_about(error), Severity.ERROR)

    # Time passes

    def poll(self) -> None:
        """Called some twenty times a second: fetches what workers found, and looks at the pipeline."""
        self.jobs.drain()
        self._say_notices()
        self.recorder.poll()
        pipeline, player = self.pipeline, self.player
        if pipeline is None:
            player.reconnecting = False
            return
        self._flush_seek()
        was_lost, player.reconnecting = (
            player.reconnecting,
            pipeline.source.state is SourceState.RECONNECTING,
        )
        if was_lost and not player.reconnecting and player.message is self._lost:
            player.message = None  # what it said is over
        frame = pipeline.newest_frame()
        if (
            frame is not None
            and self._seek_to is None
            and time.monotonic() - self._sought_at > HOLD_POSITION_S
        ):
            player.position_s = player.duration_s or frame.t if self._is_at_end else frame.t
        result = pipeline.newest_result()
        if result is not None and result is not self._result:
            self._result = result  # an old one knows nothing of a model chosen since
            if result.detections.class_names:
                player.learn_classes(result.detections.class_names)
        if pipeline.is_finished and not self._ended and not self._waiting.get("open"):
            self._end(pipeline)

    def _say_notices(self) -> None:
        player = self.player
        for level, line in self._notices.take():
            if level >= logging.WARNING:
                player.say(line, Severity.WARNING)
                if line.endswith(": reconnecting"):
                    self._lost = player.message
            elif self._waiting.get("open"):
                self._wait_for("open", f"{line}…")

    @property
    def _is_at_end(self) -> bool:
        return self._ended and self.pipeline is not None and self.pipeline.error is None

    def _end(self, pipeline: Pipeline) -> None:
        self._ended = True
        self.player.phase = Phase.ENDED
        error = pipeline.error
        if error is not None:
            self.player.say(line_about(error), Severity.ERROR, retry=True)
        elif self.queue:
            if self.player.loop:
                self.queue.append(self.player.source)
            self.open(self.queue.pop(0))
        elif self.player.loop:
            message = self.player.message
            self.replay()
            if message is not None and message.severity is not Severity.INFO:
                self.player.message = message  # of the lap before, and not read yet perhaps

    def _wait_for(self, what: str, text: str) -> None:
        before, message = self.player.loading, self.player.message
        self._waiting[what] = text
        self.player.loading = " ".join(line for line in self._waiting.values() if line)
        if before and message is not None and message.text.startswith(before):
            self.player.message = None  # it said that one has to wait for what is there now

    def close(self, timeout_s: float = 2.0) -> None:
        """Stops everything, a recording first of all; returns within `timeout_s`."""
        self._opener.newest_request += 1
        pipeline, self.pipeline = self.pipeline, None
        if pipeline is not None:
            self.jobs.run(lambda: self._opener.stop(pipeline, timeout_s))
        self.jobs.join(timeout_s)
        self._opener.close()
        self._notices.remove()
