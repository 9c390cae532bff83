"""Changes the parts of the running pipeline as the user chooses: detector, tracker, thresholds, camera motion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from rtdet.config import RunConfig
from rtdet.protocols import Detector, Tracker
from rtdet.types import Thresholds
from rtdet.viewer.jobs import Jobs
from rtdet.viewer.names import short_name
from rtdet.viewer.notices import line_about
from rtdet.viewer.opener import Opener, Superseded
from rtdet.viewer.player import PlayerState, Severity
from rtdet.viewer.services import Services

if TYPE_CHECKING:
    from rtdet.pipeline import Pipeline


class Playing(Protocol):
    """What the parts need to know of the session."""

    pipeline: Pipeline | None

    @property
    def config(self) -> RunConfig: ...

    @property
    def is_opening(self) -> bool: ...

    def wait_for(self, what: str, text: str) -> None: ...


class Parts:
    """Watches the player's fields and sees to it that the pipeline has the parts that they name; what cannot be had
    is put back to what runs.

    chosen_while_closed: called where a model was chosen and nothing is open.
    """

    def __init__(
        self,
        session: Playing,
        player: PlayerState,
        services: Services,
        jobs: Jobs,
        opener: Opener,
        base: Thresholds,
        chosen_while_closed: Callable[[], None],
    ) -> None:
        self._session, self._player, self._services = session, player, services
        self._jobs, self._opener, self._base = jobs, opener, base
        self._chosen_while_closed = chosen_while_closed
        self._detector = self._opener.wanted = (player.model, player.imgsz)
        self._tracker = player.tracker
        self._tracker_in_the_making = False
        self._is_changing = False  # model and input size are changed together
        for name in ("confidence", "iou", "selection"):
            player.watch(name, self._apply_thresholds)
        player.watch("model", self._model_chosen)
        player.watch("imgsz", self._apply_model)
        player.watch("tracker", self._apply_tracker)
        player.watch("camera_motion", self._apply_camera_motion)
        player.watch("speed", self._apply_speed)

    def opened(self, pipeline: Pipeline, config: RunConfig) -> None:
        """The pipeline that runs now was made for `config`: gives it what was chosen since."""
        self._detector, self._tracker = (config.model, config.imgsz), config.tracker
        self._player.input_size = self._opener.input_size(pipeline)
        self._apply_thresholds()
        self._apply_model()
        self._apply_tracker()
        self._apply_speed()
        if config.camera_motion != self._player.camera_motion:
            self._apply_camera_motion()

    def _apply_thresholds(self, _value: Any = None) -> None:
        if self._session.pipeline is not None:
            self._session.pipeline.set_thresholds(self._player.thresholds(self._base))

    def _apply_speed(self, _value: Any = None) -> None:
        if self._session.pipeline is not None:
            self._session.pipeline.set_speed(self._player.speed)

    def _apply_camera_motion(self, _value: Any = None) -> None:
        if self._session.pipeline is not None:
            self._session.pipeline.compensate_camera(self._player.camera_motion)

    # Model

    def _model_chosen(self, name: str) -> None:
        if not self._is_changing:
            self._choose(name, None)  # a size suits the model that it was chosen for

    def _choose(self, model: str, imgsz: int | None) -> None:
        self._is_changing = True
        try:
            self._player.model, self._player.imgsz = model, imgsz
        finally:
            self._is_changing = False
        self._apply_model()

    def _apply_model(self, _value: Any = None) -> None:
        if self._is_changing:
            return
        session, player = self._session, self._player
        wanted, pipeline = (player.model, player.imgsz), session.pipeline
        self._opener.wanted = wanted
        if pipeline is None:
            self._chosen_while_closed()
        if pipeline is None or wanted == self._detector or session.is_opening:
            return
        config, number = replace(session.config, classes=()), self._opener.newest_request
        size = f" at {player.imgsz} pixels" if player.imgsz else ""
        session.wait_for("model", f"Loading model {short_name(player.model)}{size}…")
        self._jobs.run(
            lambda: self._opener.swap_detector(pipeline, config, number),
            done=lambda detector: self._model_loaded(wanted, detector),
            failed=lambda error: self._model_failed(wanted, error),
            lane="model",
            is_awaited=False,
        )

    def _is_wanted(self, detector: tuple[str, int | None]) -> bool:
        return (self._player.model, self._player.imgsz) == detector

    def _model_loaded(self, loaded: tuple[str, int | None], detector: Detector) -> None:
        self._detector = loaded
        self._player.learn_classes(detector.class_names)
        self._player.input_size = getattr(detector, "input_size", None)
        self._apply_thresholds()
        if self._is_wanted(loaded):
            self._session.wait_for("model", "")

    def _model_failed(self, asked: tuple[str, int | None], error: Exception) -> None:
        if self._is_wanted(asked):
            self._session.wait_for("model", "")
        if isinstance(error, Superseded):
            return
        self._player.say(line_about(error), Severity.ERROR)
        if self._is_wanted(asked):
            self._choose(*self._detector)

    # Tracker

    def _apply_tracker(self, _value: Any = None) -> None:
        name, pipeline = self._player.tracker, self._session.pipeline
        if pipeline is None or name == self._tracker or self._tracker_in_the_making:
            return
        self._tracker_in_the_making = True
        config, info = self._session.config, pipeline.source.info
        self._jobs.run(
            lambda: self._services.make_tracker(config, info),
            done=lambda tracker: self._tracker_made(name, pipeline, tracker),
            failed=lambda error: self._tracker_failed(name, error),
        )

    def _tracker_made(self, name: str, pipeline: Pipeline, tracker: Tracker | None) -> None:
        """Only what is wanted still is put in: a tracker begins all IDs anew."""
        self._tracker_in_the_making = False
        if self._player.tracker == name and self._session.pipeline is pipeline:
            pipeline.swap_tracker(tracker)
            self._tracker = name
        self._apply_tracker()  # another one, or another source, may have been chosen meanwhile

    def _tracker_failed(self, name: str, error: Exception) -> None:
        self._tracker_in_the_making = False
        self._player.say(line_about(error), Severity.ERROR)
        if self._player.tracker == name:
            self._player.tracker = self._tracker
        self._apply_tracker()
