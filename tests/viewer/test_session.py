"""The viewer at work without a window: real pipelines, polled as the window's timer does."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rtdet.config import RunConfig
from rtdet.protocols import SourceState
from rtdet.viewer.player import Phase, PlayerState, Severity
from rtdet.viewer.session import Session
from rtdet.viewer.window import SharedStyle, WindowState
from tests.fake_detector import FakeDetector
from tests.ui.viewer_on_demo import DemoStage


@pytest.fixture
def open_session() -> Iterator[Callable[..., Session]]:
    """open_session(window, source) plays; every one is closed at the end."""
    sessions: list[Session] = []

    def make(window: WindowState, source: str, **settings: object) -> Session:
        config, player = RunConfig(source=source, model="truth", **settings), PlayerState()
        player.take_over(config)
        sessions.append(Session(player, window, DemoStage().services(), config))
        sessions[-1].open(source)
        return sessions[-1]

    yield make
    for session in sessions:
        session.close()


def poll_until(condition: Callable[[], object], *sessions: Session) -> None:
    deadline = time.monotonic() + 60.0
    while not condition():
        assert time.monotonic() < deadline
        for session in sessions:
            session.poll()
        time.sleep(0.01)


def test_two_sources_play_side_by_side_in_one_window_each_with_a_state_of_its_own(open_session) -> None:
    window = WindowState()
    one, other = open_session(window, "demo"), open_session(window, "live")
    poll_until(lambda: one.player.phase is other.player.phase is Phase.PLAYING, one, other)
    one.toggle_play()
    one.player.confidence = 0.9
    before = other.player.position_s
    poll_until(lambda: other.player.position_s > before + 0.2, one, other)
    assert (one.player.phase, other.player.phase) == (Phase.PAUSED, Phase.PLAYING)
    assert (one.player.confidence, other.player.confidence) == (0.9, 0.25)
    assert (one.player.source, other.player.source) == ("demo", "live")
    assert window.recent == ("live",)


def test_a_recording_begins_and_ends_when_asked_and_says_where_it_is(open_session, tmp_path: Path) -> None:
    window = WindowState()
    session = open_session(window, "demo")
    poll_until(lambda: session.player.phase is Phase.PLAYING, session)
    session.record(tmp_path / "o.mp4")
    poll_until(lambda: session.recorder.sink is not None and session.recorder.sink.frames >= 5, session)
    assert session.player.recording == tmp_path / "o.mp4"
    session.toggle_recording()
    poll_until(lambda: session.player.message is not None, session)
    assert session.player.message.text == f"Recording saved: {tmp_path / 'o.mp4'}"
    assert session.player.recording is None


def test_trackers_chosen_quickly_and_left_again_are_not_swapped_in(open_session, monkeypatch) -> None:
    window = WindowState()
    session = open_session(window, "live")
    poll_until(lambda: session.player.phase is Phase.PLAYING, session)
    swapped: list[object] = []
    monkeypatch.setattr(session.pipeline, "swap_tracker", swapped.append)
    for name in ("sort", "bytetrack", "ocsort", "rtdet"):
        session.player.tracker = name
    poll_until(lambda: not session.jobs.is_busy, session)
    session.poll()
    assert not swapped
    for name in ("sort", "bytetrack", "ocsort"):
        session.player.tracker = name
    poll_until(lambda: swapped, session)
    poll_until(lambda: not session.jobs.is_busy, session)
    assert [type(tracker).__name__ for tracker in swapped] == ["OCSort"]


def test_a_detector_kept_for_a_source_that_takes_another_is_closed(open_session, monkeypatch) -> None:
    made: list[FakeDetector] = []
    make = DemoStage.make_detector

    def make_detector(stage: DemoStage, config: RunConfig) -> FakeDetector:
        made.append(make(stage, config))
        return made[-1]

    monkeypatch.setattr(DemoStage, "make_detector", make_detector)
    session = open_session(WindowState(), "live")
    poll_until(lambda: session.player.phase is Phase.PLAYING, session)
    pipeline, session.player.phase = session.pipeline, Phase.LOADING
    session.pipeline = None
    session._opener.stop(pipeline)
    session.player.model = "blind"
    session.open("demo")
    poll_until(lambda: session.player.phase is Phase.PLAYING, session)
    assert [detector.is_closed for detector in made] == [True, False]
    session.close()
    assert [detector.is_closed for detector in made] == [True, True]


def test_the_style_that_other_threads_ask_for_follows_the_switches() -> None:
    window = WindowState()
    style = SharedStyle(window)
    window.show_trails = False
    assert style() == window.style


def test_a_step_back_from_the_end_stands_on_the_picture_before_it_and_goes_on_from_there(
    open_session,
) -> None:
    session = open_session(WindowState(), "demo")
    poll_until(lambda: session.player.can_seek, session)
    session.seek(3.8)
    poll_until(lambda: session.player.phase is Phase.ENDED, session)
    last = session.pipeline.newest_frame()

    def shown() -> int | None:
        frame = session.pipeline.newest_frame() if session.pipeline is not None else None
        return frame.index if frame is not None and session.player.phase is Phase.PAUSED else None

    t = last.t
    for index in range(last.index - 1, last.index - 4, -1):
        session.step_back(t)
        poll_until(lambda index=index: shown() == index, session)
        t = session.pipeline.newest_frame().t


def test_a_lap_more_does_not_hide_the_error_of_the_lap_before(open_session) -> None:
    session = open_session(WindowState(), "demo")
    session.player.loop = True
    poll_until(lambda: session.player.can_seek, session)
    session.player.say("the recording has stopped", Severity.ERROR)
    first = session.pipeline
    session.seek(3.8)
    poll_until(lambda: session.pipeline not in (None, first), session)
    assert session.player.message.text == "the recording has stopped"


def test_what_was_given_besides_is_played_after_the_source(open_session) -> None:
    session = open_session(WindowState(), "demo")
    session.queue = ["live"]
    poll_until(lambda: session.player.can_seek, session)
    session.seek(3.8)
    poll_until(lambda: session.player.source == "live" and session.player.phase is Phase.PLAYING, session)
    assert not session.queue


def test_a_source_that_is_back_takes_the_line_that_it_was_lost_away(open_session) -> None:
    session = open_session(WindowState(), "live")
    poll_until(lambda: session.player.phase is Phase.PLAYING, session)
    source = session.pipeline.source
    was, source.state = source.state, SourceState.RECONNECTING
    logging.getLogger("rtdet.video").warning("live was lost (timed out): reconnecting")
    session.poll()
    assert session.player.reconnecting
    assert "was lost" in session.player.message.text
    source.state = was
    session.poll()
    assert session.player.message is None
