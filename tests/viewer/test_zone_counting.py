"""The lines and zones of a source: loaded, counted live and after the fact, kept. On real pipelines."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from rtdet.config import RunConfig
from rtdet.counting import Line, Zone, Zones, count_table, read_zones, write_zones
from rtdet.demo import CLASS_NAMES, DemoScene
from rtdet.kept import KeptRun
from rtdet.tracks.table import FrameList, TrackTable
from rtdet.viewer.player import Phase, PlayerState
from rtdet.viewer.session import Session
from rtdet.viewer.tallies import LineTally, ZoneTally
from rtdet.viewer.window import SharedStyle, WindowState
from rtdet.viewer.zone_store import ZoneStore
from tests.ui.viewer_on_demo import DemoStage

# The whole width of the street, where people walk across, and all of its middle.
ACROSS = Line("across", ((0.5, 0.0), (0.5, 1.0)), "#ff8800")
MIDDLE = Zone("middle", ((0.3, 0.0), (0.7, 0.0), (0.7, 1.0), (0.3, 1.0)))
BOTH = Zones((ACROSS,), (MIDDLE,))


@pytest.fixture
def open_session(tmp_path: Path) -> Iterator[Callable[..., Session]]:
    """open_session(source) plays; every one is closed at the end. Zones are remembered in the test's folder."""
    sessions: list[Session] = []

    def make(source: str = "demo", **settings: object) -> Session:
        config, player = RunConfig(source=source, model="truth", **settings), PlayerState()
        player.take_over(config)
        sessions.append(Session(player, WindowState(), DemoStage().services(), config))
        sessions[-1].counting.keeping.store = ZoneStore(tmp_path / "zones")
        sessions[-1].open(source)
        return sessions[-1]

    yield make
    for session in sessions:
        session.close()


def poll_until(session: Session, condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60.0
    while not condition():
        assert time.monotonic() < deadline
        session.poll()
        time.sleep(0.01)


def is_open(session: Session, source: str = "demo") -> Callable[[], bool]:
    """Whether it plays, or has played, and its lines are known."""
    player, counting = session.player, session.counting
    return lambda: (
        player.source == source and player.source_info is not None and not counting.keeping.is_loading
    )


def crossings(session: Session) -> int:
    tally = session.counting.tallies.get("across", LineTally())
    assert isinstance(tally, LineTally)
    return tally.first.total + tally.second.total


@pytest.fixture
def truth() -> TrackTable:
    stage = DemoStage()
    scene = DemoScene(3, stage.width, stage.height, stage.fps, stage.duration_s)
    truths = [scene.truth(index) for index in range(scene.frame_count)]
    counts = [len(one.ids) for one in truths]
    numbers = np.arange(1, scene.frame_count + 1)
    ids = np.concatenate([one.ids for one in truths])
    sizes = np.tile([[stage.width, stage.height]], (len(numbers), 1))
    return TrackTable(
        np.repeat(numbers, counts), ids, np.concatenate([one.boxes for one in truths]), np.full(len(ids), 0.9),
        np.concatenate([one.labels for one in truths]),
        FrameList(numbers, (numbers - 1) / stage.fps, sizes=sizes, is_complete=True), CLASS_NAMES,
    )  # fmt: skip


def test_what_crosses_a_line_drawn_while_it_plays_is_counted_what_was_before_too(open_session) -> None:
    session = open_session()
    poll_until(session, lambda: session.player.position_s > 1.0)
    session.counting.editor.change(BOTH)
    poll_until(session, lambda: session.player.phase is Phase.ENDED)
    poll_until(session, lambda: not session.counting.is_counting)
    session.counting._told_at = 0.0
    session.poll()
    assert crossings(session) > 0
    recounted = dict(session.counting.tallies)
    session.counting._recount()
    poll_until(session, lambda: not session.counting.is_counting)
    assert session.counting.tallies == recounted


def test_playing_again_counts_nothing_twice(open_session) -> None:
    session = open_session()
    poll_until(session, is_open(session))
    session.counting.editor.change(BOTH)
    poll_until(session, lambda: session.player.phase is Phase.ENDED)
    poll_until(session, lambda: not session.counting.is_counting)
    session.counting._told_at = 0.0
    session.poll()
    before = crossings(session)
    session.replay()
    poll_until(session, lambda: session.player.phase is Phase.PLAYING and session.player.position_s > 1.5)
    session.poll()
    assert crossings(session) == before


def test_finished_tracks_are_counted_instead_and_tell_the_lanes_who_was_where(
    open_session, truth, tmp_path
) -> None:
    session = open_session()
    poll_until(session, is_open(session))
    session.counting.editor.change(BOTH)
    poll_until(session, lambda: session.player.class_names and session.pipeline.newest_result() is not None)
    session.review.take(truth)

    def is_settled() -> bool:
        counting = session.counting
        return bool(session.review.zones) and not counting.is_counting and not counting._is_stale

    poll_until(session, is_settled)
    counter = count_table(session.review.table, BOTH)
    tally = session.counting.tallies["across"]
    assert (tally.first.total, tally.second.total) == (
        counter.count("across", "in"),
        counter.count("across", "out"),
    )
    inside = {event.track_id for event in counter.events if event.name == "middle"}
    assert session.review.zones == {"middle": frozenset(inside)}
    assert isinstance(session.counting.tallies["middle"], ZoneTally)
    session.counting.save_counts(tmp_path / "counts.json")
    poll_until(session, (tmp_path / "counts.json").exists)
    rows = json.loads((tmp_path / "counts.json").read_text())["counts"]
    entered = [
        row["count"] for row in rows if (row["what"], row["class"], row["period"]) == ("in", "all", "all")
    ]
    assert entered == [tally.first.total]
    session.counting.editor.delete("middle")
    poll_until(session, lambda: session.review.zones == {})


def test_lines_are_remembered_for_each_source(open_session) -> None:
    session = open_session()
    poll_until(session, is_open(session))
    session.counting.editor.change(BOTH)
    session.open("live")
    poll_until(session, is_open(session, "live"))
    assert session.counting.editor.zones == Zones()
    assert session.player.zones == ()
    session.open("demo")
    poll_until(session, lambda: session.counting.editor.zones == BOTH)
    assert not session.counting.editor.can_undo
    session.close()
    again = open_session()
    poll_until(again, lambda: again.counting.editor.zones == BOTH)


def test_a_zones_file_that_is_asked_for_wins_and_is_not_overwritten(open_session, tmp_path) -> None:
    ZoneStore(tmp_path / "zones").save("demo", BOTH)
    given = tmp_path / "given.json"
    write_zones(given, Zones((Line("given", ((160, 0), (160, 180))),), size=(320, 180)))
    session = open_session(zones=str(given))
    poll_until(session, lambda: session.counting.editor.zones.names == ("given",))
    assert session.counting.editor.zones.lines[0].points == ((0.5, 0.0), (0.5, 1.0))
    written = given.read_text()
    session.counting.editor.delete("given")
    session.close()
    assert given.read_text() == written


def test_they_are_written_into_the_kept_run_and_come_back_with_it(open_session, tmp_path) -> None:
    kept = tmp_path / "street.rtdet"
    session = open_session(keep=str(kept))
    poll_until(session, is_open(session))
    session.counting.editor.change(BOTH)

    def is_kept() -> bool:
        if not kept.exists() or session.counting.keeping._is_unkept:
            return False
        with KeptRun(kept) as run:
            return run.document("zones") is not None

    poll_until(session, is_kept)
    session.close()
    with KeptRun(kept) as run:
        features = json.loads(run.document("zones"))["features"]
    assert [one["properties"]["name"] for one in features] == ["across", "middle"]
    again = open_session(str(kept))
    poll_until(again, lambda: again.counting.editor.zones == BOTH)


def test_a_file_is_opened_in_place_of_what_is_there_and_that_can_be_undone(open_session, tmp_path) -> None:
    session = open_session()
    poll_until(session, is_open(session))
    session.counting.editor.change(BOTH)
    write_zones(tmp_path / "zones.json", Zones((Line("other", ((0, 0), (1, 1))),)))
    session.counting.keeping.open_file(tmp_path / "zones.json", None)
    poll_until(session, lambda: session.counting.editor.zones.names == ("other",))
    assert session.player.message.text == "1 line from zones.json"
    session.counting.editor.undo()
    assert session.counting.editor.zones == BOTH
    session.counting.keeping.save_file(tmp_path / "saved.json")
    poll_until(session, lambda: not session.jobs.is_busy)
    assert read_zones(tmp_path / "saved.json") == BOTH


def test_a_file_that_is_none_is_said_in_one_line_and_changes_nothing(open_session, tmp_path) -> None:
    session = open_session()
    poll_until(session, is_open(session))
    session.counting.editor.change(BOTH)
    (tmp_path / "zones.json").write_text('{"type": "Feature"}', encoding="utf-8")
    session.counting.keeping.open_file(tmp_path / "zones.json", None)
    poll_until(session, lambda: session.player.message is not None)
    assert "zones.json" in session.player.message.text
    assert session.counting.editor.zones == BOTH


def test_a_scale_of_the_ground_gives_speeds_from_then_on(open_session) -> None:
    session = open_session("live")
    poll_until(session, is_open(session, "live"))
    ground = {"points": [[0, 0.5], [1, 0.5], [1, 1], [0, 1]], "metres": [[0, 0], [20, 0], [20, 10], [0, 10]]}
    session.counting.editor.change(Zones(ground=ground))

    def has_speeds() -> bool:
        result = session.pipeline.newest_result()
        return result is not None and np.isfinite(result.tracks.values.get("speed", np.zeros(0))).any()

    poll_until(session, has_speeds)
    session.counting.editor.undo()
    poll_until(session, lambda: "speed" not in session.pipeline.newest_result().tracks.values)


def test_marks_go_to_every_painter_of_the_window(open_session) -> None:
    session = open_session()
    poll_until(session, is_open(session))
    session.counting.editor.change(BOTH)
    style = SharedStyle(session.window, session.player)
    assert [mark.words[0] for mark in style().zones] == ["across", "middle"]
    session.window.show_zones = False
    assert style().zones == ()
