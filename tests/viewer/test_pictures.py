"""Single pictures in the viewer: somebody looks through them, one by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtdet.config import RunConfig
from rtdet.viewer.player import Phase, PlayerState
from rtdet.viewer.session import Session
from rtdet.viewer.window import WindowState
from tests.ui.viewer_on_demo import DemoStage

SIZES = {"beach.png": (64, 48), "cat.png": (48, 64), "dune.png": (80, 40)}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "holiday"
    folder.mkdir()
    for value, (name, (width, height)) in enumerate(SIZES.items(), start=1):
        cv2.imwrite(str(folder / name), np.full((height, width, 3), 50 * value, np.uint8))
    return folder


@pytest.fixture
def look_through() -> Iterator[Callable[..., Session]]:
    sessions: list[Session] = []

    def make(source: Path, *queue: str, **settings: object) -> Session:
        config, player = RunConfig(source=str(source), model="truth", **settings), PlayerState()
        player.take_over(config)
        session = Session(player, WindowState(), DemoStage().services(), config)
        sessions.append(session)
        session.queue = list(queue)
        session.open(str(source))
        _poll_until(session, lambda: player.file_name != "")
        return session

    yield make
    for session in sessions:
        session.close()


def _poll_until(session: Session, condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60.0
    while not condition():
        assert time.monotonic() < deadline
        session.poll()
        time.sleep(0.01)


def _shown(session: Session) -> tuple[str, int, int]:
    player = session.player
    assert player.source_info is not None
    return player.file_name, player.picture_number, player.source_info.frame_count


def test_a_folder_of_photographs_stands_on_the_first_and_goes_from_one_to_the_next_and_back(
    look_through, photos
) -> None:
    session = look_through(photos)
    assert (session.player.phase, _shown(session)) == (Phase.PAUSED, ("beach.png", 1, 3))
    time.sleep(1.2)
    session.poll()
    assert _shown(session) == ("beach.png", 1, 3)
    for name, number in (("cat.png", 2), ("dune.png", 3)):
        session.step()
        _poll_until(session, lambda n=name, i=number: _shown(session) == (n, i, 3))
    session.step()  # there is no other
    session.poll()
    assert (session.player.phase, _shown(session)) == (Phase.PAUSED, ("dune.png", 3, 3))
    session.step_back(session.player.position_s)
    _poll_until(session, lambda: _shown(session) == ("cat.png", 2, 3))


def test_each_picture_shown_has_been_through_the_detector(look_through, photos) -> None:
    session = look_through(photos)
    for name, size in SIZES.items():
        _poll_until(session, lambda n=name: _looked_at(session) == n)
        assert session.pipeline.newest_result().frame.size == size
        session.step()


def _looked_at(session: Session) -> str:
    result = session.pipeline.newest_result()
    return result.frame.name if result is not None else ""


def test_a_slide_show_ends_on_the_last_picture_and_begins_again_from_the_first(look_through, photos) -> None:
    session = look_through(photos)
    session.seek(1.0)
    _poll_until(session, lambda: _shown(session)[0] == "cat.png")
    session.toggle_play()
    _poll_until(session, lambda: session.player.phase is Phase.PAUSED)
    assert _shown(session) == ("dune.png", 3, 3)
    assert not session.pipeline.is_finished
    session.toggle_play()
    _poll_until(session, lambda: _shown(session)[0] == "beach.png")
    assert session.player.phase is Phase.PLAYING


def test_a_picture_that_cannot_be_read_is_left_out_of_the_count_and_told_of(look_through, photos) -> None:
    (photos / "cat.png").write_bytes(b"")
    session = look_through(photos)
    session.step()
    _poll_until(session, lambda: _shown(session) == ("dune.png", 2, 2))
    assert "1 of the 3 pictures of holiday is left out: cat.png is empty" in session.player.message.text
    session.step_back(session.player.position_s)
    _poll_until(session, lambda: _shown(session) == ("beach.png", 1, 2))


def test_the_last_picture_that_cannot_be_read_leaves_the_one_before_on_screen(look_through, photos) -> None:
    (photos / "dune.png").write_text("words")
    session = look_through(photos)
    session.seek(2.0)
    _poll_until(session, lambda: _shown(session) == ("cat.png", 2, 2))
    assert not session.pipeline.is_finished


def test_after_the_last_picture_comes_what_was_given_besides(look_through, photos) -> None:
    session = look_through(photos / "cat.png", str(photos / "beach.png"))
    assert _shown(session) == ("cat.png", 1, 1)
    session.step()
    _poll_until(session, lambda: _shown(session) == ("beach.png", 1, 1))


def test_outputs_get_every_picture_once_however_often_it_is_looked_at(look_through, photos, tmp_path) -> None:
    import json

    session = look_through(photos, save=f"{tmp_path / 'out'}/", tracks=str(tmp_path / "o.jsonl"))
    _poll_until(session, lambda: (tmp_path / "out" / "beach.png").exists())
    session.step()
    _poll_until(session, lambda: _looked_at(session) == "cat.png")
    session.step_back(session.player.position_s)
    _poll_until(session, lambda: _looked_at(session) == "beach.png")
    _poll_until(session, lambda: (tmp_path / "out" / "cat.png").exists())
    session.close()
    lines = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    assert [(line["frame"], line["name"], line["time_s"]) for line in lines] == [
        (1, "beach.png", None),
        (2, "cat.png", None),
    ]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["beach.png", "cat.png"]


def test_a_recording_begins_with_the_picture_on_screen_and_has_each_for_a_second(
    look_through, photos, tmp_path
) -> None:
    import av

    session = look_through(photos)
    session.record(tmp_path / "o.mp4")
    recorder = session.recorder
    _poll_until(session, lambda: recorder.sink is not None and recorder.sink.frames == 1)
    session.step()
    _poll_until(session, lambda: recorder.sink.frames == 2)
    session.toggle_recording()
    _poll_until(session, lambda: session.player.message is not None)
    assert session.player.message.text.endswith("o.mp4, each picture for a second")
    with av.open(str(tmp_path / "o.mp4")) as film:
        stream = film.streams.video[0]
        assert [float(frame.time) for frame in film.decode(stream)] == pytest.approx([0.0, 1.0])
        assert (stream.width, stream.height) == (80, 64)
        assert float(stream.duration * stream.time_base) == pytest.approx(2.0)


def test_a_source_that_is_not_there_is_told_of_on_the_terminal_too(look_through, tmp_path, capfd) -> None:
    config = RunConfig(source=str(tmp_path / "nothing.mp4"), model="truth")
    session = Session(PlayerState(), WindowState(), DemoStage().services(), config)
    session.open(config.source)
    _poll_until(session, lambda: session.player.message is not None)
    session.close()
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("rtdet: error: ")
    assert "nothing.mp4" in lines[0]
