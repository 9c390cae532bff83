"""The viewer at work without a window: real pipelines, polled as the window's timer does."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from rtdet.build import build_services
from rtdet.config import RunConfig
from rtdet.protocols import SourceState
from rtdet.types import InputSize
from rtdet.viewer.places import Place
from rtdet.viewer.player import Phase, PlayerState, Severity
from rtdet.viewer.session import Session
from rtdet.viewer.window import SharedStyle, WindowState
from tests.fake_detector import FakeDetector
from tests.ui.viewer_on_demo import DemoStage
from tests.video.test_recording import make_clip, sound_levels, times


@pytest.fixture
def open_session() -> Iterator[Callable[..., Session]]:
    """open_session(window, source) plays; every one is closed at the end."""
    sessions: list[Session] = []
    stages: list[DemoStage] = []

    def make(window: WindowState, source: str, **settings: object) -> Session:
        config, player = RunConfig(source=source, model="truth", **settings), PlayerState()
        player.take_over(config)
        stages.append(DemoStage())
        sessions.append(Session(player, window, stages[-1].services(), config))
        sessions[-1].open(source)
        return sessions[-1]

    make.stages = stages
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


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted as Linux lists them")
def test_of_many_sources_in_one_window_each_is_decoded_by_its_share_of_the_cores(tmp_path: Path) -> None:
    def decoding() -> int:
        names = [task.joinpath("comm").read_text() for task in Path("/proc/self/task").iterdir()]
        return sum(name.startswith("av:") for name in names)

    film = str(make_clip(tmp_path / "film.mp4", list(range(50)), Fraction(1, 25)))
    services = build_services(make_detector=lambda _config: FakeDetector())
    window, player, config = WindowState(source_count=10_000), PlayerState(), RunConfig(source=film)
    player.take_over(config)
    before, session = decoding(), Session(player, window, services, config)
    session.open(film)
    poll_until(lambda: player.phase is Phase.PLAYING and session.pipeline.newest_frame() is not None, session)
    assert decoding() <= before, "it is decoded by the thread that reads it"
    session.close()


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


@pytest.mark.parametrize("when", ["it runs", "it is made"])
def test_a_source_that_is_just_opened_when_its_window_closes_is_stopped(open_session, when) -> None:
    """Nobody has been told of it yet."""
    session = open_session(WindowState(), "demo")
    opener = session._opener
    if when == "it runs":
        poll_until(lambda: not session.jobs.is_busy)
    else:
        poll_until(lambda: opener._used_by or not session.jobs.is_busy)
    pipelines = list(opener._used_by)
    detectors = list(opener._used_by.values())
    session.close()
    poll_until(lambda: not session.jobs.is_busy)
    assert [one.is_finished for one in pipelines] == [True]
    assert all(one.is_closed for one in detectors)
    assert not opener._used_by


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
    style = SharedStyle(window, PlayerState())
    window.show_trails = False
    assert style() == window.style(())
    assert not style().show_trails


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
    lost = {"state": SourceState.RECONNECTING}
    logging.getLogger("rtdet.video").warning("live was lost (timed out), trying again", extra=lost)
    session.poll()
    assert session.player.reconnecting
    assert "was lost" in session.player.message.text
    source.state = was
    session.poll()
    assert session.player.message is None


def index_shown(session: Session) -> int | None:
    frame = session.pipeline.newest_frame() if session.pipeline is not None else None
    return None if frame is None else frame.index


def test_going_to_a_frame_stands_on_it_and_going_to_a_time_goes_on_playing(open_session) -> None:
    session = open_session(WindowState(), "demo")
    poll_until(lambda: session.player.phase is Phase.PLAYING, session)
    session.go_to(Place(index=59))
    poll_until(lambda: session.player.frame_index == 59, session)
    assert session.player.phase is Phase.PAUSED
    assert index_shown(session) == 59
    session.toggle_play()
    session.go_to(Place(1.0))
    poll_until(lambda: 25 <= (session.player.frame_index or 0) < 59, session)
    assert session.player.phase is Phase.PLAYING


@pytest.mark.parametrize("has_ended", [False, True], ids=["while it plays", "at the end"])
def test_a_place_beyond_the_end_is_the_last_picture_and_that_is_said(open_session, has_ended: bool) -> None:
    session = open_session(WindowState(), "demo")
    poll_until(lambda: session.player.phase is Phase.PLAYING, session)
    if has_ended:
        session.seek(3.8)
        poll_until(lambda: session.player.phase is Phase.ENDED, session)
    session.go_to(Place(index=500))
    poll_until(lambda: session.player.phase is Phase.PAUSED and index_shown(session) == 99, session)
    assert session.player.message is not None
    assert session.player.message.text == "There is no frame 501: this is the last one, 100."
    session.go_to(Place(3.999))
    poll_until(lambda: not session.jobs.is_busy, session)
    session.poll()
    assert index_shown(session) == 99


def test_a_step_back_in_a_film_of_uneven_pictures_is_one_picture(open_session, tmp_path) -> None:
    clip = tmp_path / "uneven.mp4"
    with av.open(str(clip), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"bf": "0"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.time_base = video.codec_context.time_base = Fraction(1, 1000)
        for ticks in (0, 40, 700, 720, 2000, 5000):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8), "bgr24")
            frame.pts, frame.time_base = ticks, Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    session = open_session(WindowState(), str(clip))
    poll_until(lambda: session.player.phase is Phase.PLAYING, session)
    session.go_to(Place(index=4))
    poll_until(lambda: index_shown(session) == 4, session)
    for index in (3, 2, 1, 0):
        session.step_back(session.pipeline.newest_frame().t)
        poll_until(lambda index=index: index_shown(session) == index, session)


def test_the_speed_of_play_is_the_sources_and_another_one_begins_at_the_normal(open_session) -> None:
    session = open_session(WindowState(), "demo")
    player = session.player
    poll_until(lambda: player.phase is Phase.PLAYING, session)
    for _ in range(9):
        player.change_speed(1)
    assert player.speed == 4.0
    pipeline = session.pipeline
    poll_until(lambda: player.phase is Phase.ENDED, session)
    session.replay()
    poll_until(lambda: session.pipeline not in (None, pipeline), session)
    assert player.speed == 4.0
    session.play("live")
    poll_until(lambda: player.source == "live", session)
    assert player.speed == 1.0
    player.change_speed(-1)
    assert player.speed == 1.0, "a live source comes as it comes"


def test_sources_given_together_are_played_in_turn_past_one_that_cannot_be_opened(open_session) -> None:
    session = open_session(WindowState(), "demo")
    poll_until(lambda: session.player.phase is Phase.PLAYING, session)
    session.play("/nowhere/gone.mp4", "live")
    poll_until(lambda: session.player.source == "live" and session.player.phase is Phase.PLAYING, session)
    assert session.player.message is not None
    assert "gone.mp4" in session.player.message.text
    assert not session.queue
    session.play("live", "demo")
    poll_until(lambda: session.queue == ("demo",) and not session.is_opening, session)
    session.play_next()
    poll_until(lambda: session.player.source == "demo" and session.player.phase is Phase.PLAYING, session)


def test_a_list_of_sources_that_loops_is_played_round_and_round(open_session) -> None:
    session = open_session(WindowState(), "demo")
    session.player.loop = True
    session.queue = ["/nowhere/gone.mp4", "live"]
    poll_until(lambda: session.player.can_seek, session)
    session.seek(3.8)
    poll_until(lambda: session.player.source == "live" and session.player.phase is Phase.PLAYING, session)
    assert session.queue == ("demo",)


def test_the_input_size_is_asked_of_the_detector_and_is_the_models_own_again_with_another(
    open_session,
) -> None:
    session = open_session(WindowState(), "live")
    stage, player = open_session.stages[-1], session.player
    poll_until(lambda: player.phase is Phase.PLAYING, session)
    assert player.input_size == InputSize(416)
    player.imgsz = 960
    poll_until(lambda: not player.loading, session)
    assert stage.asked_sizes == [None, 960]
    assert session.config.imgsz == 960
    player.imgsz = 4096  # which it cannot have
    poll_until(lambda: player.message is not None, session)
    assert player.imgsz == 960
    player.model = "blind"
    poll_until(lambda: not player.loading and player.input_size.is_fixed, session)
    assert player.imgsz is None
    assert stage.asked_sizes[-1] is None
    assert [detector.is_closed for detector in stage.detectors] == [True, True, False]


def test_a_recording_of_a_section_has_the_sound_of_that_section(open_session, tmp_path) -> None:
    clip = make_clip(
        tmp_path / "in.mp4", [i * 40 for i in range(150)], Fraction(1, 1000), sound="aac", sound_s=6.0,
        loudness=lambda t: 0.1 * 2 ** int(t / 2),
    )  # fmt: skip
    session = open_session(WindowState(), str(clip))
    poll_until(lambda: session.player.can_seek, session)
    session.seek(2.2)
    session.player.speed = 4.0
    poll_until(lambda: 2.2 <= session.pipeline.newest_frame().t < 2.8, session)
    session.toggle_play()
    session.record(tmp_path / "o.mp4")
    poll_until(lambda: session.recorder.sink is not None, session)
    session.toggle_play()
    poll_until(lambda: session.recorder.sink.frames >= 10, session)
    session.toggle_recording()
    poll_until(lambda: session.player.recording is None and not session.jobs.is_busy, session)
    levels = sound_levels(tmp_path / "o.mp4")
    assert levels[1] == pytest.approx(0.2 / np.sqrt(2), rel=0.15)
    recorded = times(tmp_path / "o.mp4")
    assert recorded[0] == 0
    assert max(b - a for a, b in pairwise(recorded)) == pytest.approx(0.04, abs=0.002), "at its own speed"
