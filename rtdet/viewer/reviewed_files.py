"""Files of what is reviewed: the run that is kept of what is open, and track files, saved, read and written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rtdet.viewer.jobs import Jobs
from rtdet.viewer.kept_review import KeptReview
from rtdet.viewer.kept_runs import KeptRuns, save_run
from rtdet.viewer.player import PlayerState
from rtdet.viewer.review import read_tracks_of

if TYPE_CHECKING:
    from rtdet.pipeline import Pipeline


class Playing(Protocol):
    """What is needed of the session."""

    pipeline: Pipeline | None
    ask_unsaved: Callable[[Callable[[], None]], None]


class ReviewedFiles:
    """runs: where what is open is kept."""

    def __init__(
        self, session: Playing, player: PlayerState, review: KeptReview, jobs: Jobs, runs: KeptRuns
    ) -> None:
        self._session, self._player, self._review = session, player, review
        self._jobs, self._runs = jobs, runs

    def save_run(self, path: Path, then: Callable[[], None] = lambda: None) -> None:
        """Copies what was kept of what is open to a file, with the edits; it can be opened like a video. `then` is
        called once it is there."""
        run, pipeline = self._runs.current, self._session.pipeline
        if run is None or not run.exists():
            self._player.say("Nothing was kept of this yet.")
            return
        if pipeline is not None and not pipeline.is_finished:
            pipeline.flush_kept()
        saved = self._review.saving() if not self._review.is_fixed else lambda: None
        documents = self._review.documents()

        def done(_written: object) -> None:
            saved()
            self._player.say(f"Saved the run to {path}")
            then()

        # After those that are being kept.
        self._jobs.run(lambda: save_run(run, path, documents), done=done, lane="edits")

    def open_tracks(self, path: Path) -> None:
        """Reads a track file of what is open, to be reviewed instead of the live tracks."""
        if self._review.unsaved:
            self._session.ask_unsaved(lambda: self._read_tracks(path))
        else:
            self._read_tracks(path)

    def _read_tracks(self, path: Path) -> None:
        info = self._player.source_info
        fps = info.fps if info is not None else None
        self._jobs.run(
            lambda: read_tracks_of(path, fps),
            done=lambda table: self._review.show(table, path.name),
            lane="review",
            is_awaited=False,
        )

    def export_tracks(self, path: Path, then: Callable[[], None] = lambda: None) -> None:
        """Writes the reviewed tracks in the format of the suffix; `then` is called once they are there."""
        saved = self._review.saving()

        def done(_written: object) -> None:
            saved()
            self._player.say(f"Exported to {path}")
            then()

        self._jobs.run(lambda: self._review.write(path), done=done, lane="review")
