"""`rtdet count`, and counting as a run goes on."""

from __future__ import annotations

import csv
import json

import cv2
import numpy as np
import pytest

from rtdet.counting import Line, Zone, Zones, write_zones
from rtdet.demo import DemoScene
from rtdet.kept import About, KeptRunWriter
from rtdet.pipeline.kept_frame import KeptFrame
from rtdet.tracks import open_track_file
from rtdet.types import Detections, Frame, FrameResult
from tests.counting.test_webhook import serve

ZONES = Zones(
    (Line("middle", ((640, 330), (640, 720))),),
    (Zone("all", ((0, 0), (1280, 0), (1280, 720), (0, 720))),),
    (1280, 720),
)
BLANK = np.zeros((720, 1280, 3), np.uint8)


@pytest.fixture
def tracks(tmp_path):
    """Track files of the demo's truth, and zones in pixels and in fractions."""
    scene = DemoScene(0, duration_s=6.0)
    for name in ("t.csv", "t.txt", "t.json"):
        sink = open_track_file(tmp_path / name)
        for i in range(scene.frame_count):
            sink.write(FrameResult(Frame(BLANK, i / 25, i), Detections(), scene.truth(i)))
        sink.close()
    write_zones(tmp_path / "z.json", ZONES)
    write_zones(tmp_path / "f.json", ZONES.as_fractions())


def _counts(path):
    with open(path, newline="") as file:
        rows = csv.DictReader(file)
        return {
            (row["name"], row["what"]): int(row["count"])
            for row in rows
            if row["period"] == "all" and row["class"] == "all" and not row["conf"]
        }


def test_a_track_file_is_counted_into_a_table_and_events(rtdet, tracks, tmp_path) -> None:
    outcome = rtdet(
        "count",
        "t.csv",
        "--zones",
        "z.json",
        "--out",
        "c.csv",
        "--events",
        "e.jsonl",
        "--clock",
        "2026-05-01T08:00",
    )
    assert outcome.code == 0, outcome.err
    counts = _counts("c.csv")
    events = [json.loads(line) for line in (tmp_path / "e.jsonl").read_text().splitlines()]
    assert counts["middle", "in"] == sum(one.get("direction") == "in" for one in events) > 0
    assert events[0]["clock"].startswith("2026-05-01T08:00:0")
    assert "middle" in outcome.out
    assert "wrote c.csv" in outcome.err


def test_a_text_file_with_zones_in_fractions_needs_the_size(rtdet, tracks) -> None:
    rtdet("count", "t.csv", "--zones", "z.json", "--out", "c.csv")
    outcome = rtdet("count", "t.txt", "--fps", 25, "--zones", "f.json", "--out", "d.csv")
    assert (outcome.code, len(outcome.errors)) == (2, 1)
    assert "give --size" in outcome.err
    assert (
        rtdet("count", "t.txt", "--fps", 25, "--zones", "f.json", "--out", "d.csv", "--size", "1280x720").code
        == 0
    )
    assert _counts("d.csv") == _counts("c.csv")


def test_a_sweep_says_how_the_counts_move_with_the_threshold(rtdet, tracks) -> None:
    assert rtdet("count", "t.csv", "--zones", "z.json", "--out", "c.csv", "--sweep", "conf").code == 0
    with open("c.csv", newline="") as file:
        swept = [
            row
            for row in csv.DictReader(file)
            if row["conf"] and row["name"] == "middle" and row["class"] == "all"
        ]
    assert [float(row["conf"]) for row in swept[::2]] == [round(0.05 * i, 2) for i in range(1, 20)]
    assert {row["count"] for row in swept if row["what"] == "in"} == {str(_counts("c.csv")["middle", "in"])}


def test_a_sweep_goes_by_the_size_of_the_tracks_pictures_as_the_counts_do(rtdet, tracks, tmp_path) -> None:
    write_zones(tmp_path / "half.json", ZONES.in_pixels((640, 360)))
    assert rtdet("count", "t.json", "--zones", "half.json", "--out", "c.csv", "--sweep", "conf").code == 0
    with open("c.csv", newline="") as file:
        swept = {row["count"] for row in csv.DictReader(file) if row["conf"] and row["what"] == "in"}
    assert _counts("c.csv")["middle", "in"] > 0
    assert str(_counts("c.csv")["middle", "in"]) in swept


def test_names_of_zones_are_nothing_but_text(rtdet, tracks, tmp_path) -> None:
    odd = Line("[/b] [red]x[/red]", ((640, 330), (640, 720)), directions=("=1+1", "@out"))
    write_zones(tmp_path / "odd.json", Zones((odd,), (), (1280, 720)))
    outcome = rtdet("count", "t.csv", "--zones", "odd.json", "--out", "c.csv")
    assert outcome.code == 0, outcome.err
    assert "[/b] [red]x[/red]" in outcome.out
    assert "'=1+1" in (tmp_path / "c.csv").read_text()


def test_a_class_of_a_zone_that_no_track_can_have_is_said(rtdet, tracks, tmp_path) -> None:
    for name, says in (
        ("t.csv", "the classes here are person"),
        ("t.txt", "these tracks have no class names"),
    ):
        shape = Line("door", ((640, 330), (640, 720)), classes=("persn",))
        write_zones(tmp_path / "p.json", Zones((shape,), (), (1280, 720)))
        outcome = rtdet("count", name, "--zones", "p.json", "--out", "c.csv")
        assert outcome.code == 0
        assert outcome.err.count("nothing counts at 'door', which is for persn only") == 1
        assert says in outcome.err


def test_a_kept_live_run_has_its_own_wall_clock(rtdet, tracks, tmp_path) -> None:
    live = {"name": "cam", "width": 1280, "height": 720, "is_live": True}
    for info, begins in ((live, ["2026-05-01T08:00:30+02:00"]), ({**live, "is_live": False}, [""])):
        about = About(
            source="cam", source_info=info, class_names=("person",), began_at="2026-05-01T08:00:30.250+02:00"
        )
        writer = KeptRunWriter(tmp_path / "r.rtdet", lambda about=about: about)
        writer.write(KeptFrame(1, t=0.0, pts=None, size=(1280, 720), candidates=Detections()))
        writer.close()
        assert rtdet("count", "r.rtdet", "--zones", "z.json", "--out", "c.csv").code == 0
        with open("c.csv", newline="") as file:
            assert [row["begin"] for row in csv.DictReader(file) if row["period"] == "all"][:1] == begins


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["t.csv", "--out", "c.csv"], 2, "say where to count: --zones"),
        (["t.csv", "--zones", "z.json", "--out", "c.pdf"], 2, "no format of a table of counts"),
        (["t.csv", "--zones", "z.json", "--out", "t.csv"], 2, "would overwrite"),
        (["t.csv", "--zones", "t.csv", "--out", "c.csv"], 3, "not JSON"),
        (
            ["t.csv", "--zones", "z.json", "--out", "c.csv", "--clock", "noon"],
            2,
            "--clock is the date and time",
        ),
        (["t.csv", "--zones", "z.json", "--out", "c.csv", "--size", "big"], 2, "--size is width and height"),
        (["none.csv", "--zones", "z.json", "--out", "c.csv"], 3, "cannot read none.csv"),
        (["t.csv", "--zones", "z.json", "--out", "no/c.csv"], 5, "does not exist"),
    ],
)
def test_what_cannot_be_counted_is_one_line(rtdet, tracks, arguments, code, says) -> None:
    outcome = rtdet("count", *arguments)
    assert (outcome.code, len(outcome.errors)) == (code, 1)
    assert says in outcome.err


def test_a_run_counts_posts_and_draws_as_it_goes_on(rtdet, tracks, tmp_path) -> None:
    with serve() as (url, got):
        outcome = rtdet(
            "--source", "demo", "--headless", "--max-frames", 60, "--zones", "z.json", "--counts", "c.csv",
            "--events", "e.jsonl", "--events-url", f"{url}/hook", "--tracks", "run.csv", "--save", "v.mp4",
        )  # fmt: skip
    assert outcome.code == 0, outcome.err
    lines = (tmp_path / "e.jsonl").read_text().splitlines()
    assert [body.decode() for _, _, body in got] == lines != []
    live = _counts("c.csv")
    assert rtdet("count", "run.csv", "--zones", "z.json", "--out", "d.csv").code == 0
    assert _counts("d.csv") == live
    film = cv2.VideoCapture(str(tmp_path / "v.mp4"))
    picture = film.read()[1].astype(int)
    film.release()
    change = np.abs(picture - DemoScene(0).render(0)).sum(axis=2)
    on_line, beside = np.median(change[400:700, 640]), np.median(change[400:700, 660])
    assert on_line > 100 > 5 * beside


def test_a_run_without_events_leaves_none_of_an_earlier_run(rtdet, tracks, tmp_path) -> None:
    corner = Line("corner", ((1, 0), (0, 1)))
    write_zones(tmp_path / "corner.json", Zones((corner,), (), (1280, 720)))
    (tmp_path / "e.jsonl").write_text('{"event": "crossed"}\n')
    outcome = rtdet(
        "--source", "demo", "--headless", "--max-frames", 5, "--zones", "corner.json", "--events", "e.jsonl"
    )
    assert outcome.code == 0, outcome.err
    assert (tmp_path / "e.jsonl").read_text() == ""


def test_a_kept_run_has_its_zones_with_it_and_is_tracked_again_for_a_sweep(rtdet, tracks) -> None:
    outcome = rtdet(
        "--source", "demo", "--headless", "--max-frames", 50, "--zones", "z.json", "--keep", "r.rtdet",
        "--counts", "c.csv",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert rtdet("count", "r.rtdet", "--out", "d.csv", "--sweep", "conf").code == 0
    assert _counts("d.csv") == _counts("c.csv")
    with open("d.csv", newline="") as file:
        swept = [
            int(row["count"]) for row in csv.DictReader(file) if row["conf"] and row["what"] == "appeared"
        ]
    assert swept[0] > swept[-1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--counts", "c.csv"], "--counts needs lines or zones to count at"),
        (["--zones", "z.json", "--events", "e.csv"], "events are written as they happen"),
        (["--zones", "z.json", "--events-url", "ftp://h"], "--events-url is an http or https address"),
        (["--zones", "z.json", "--counts", "c.csv", "--tracker", "none"], "--counts counts tracks"),
        (["--zones", "z.json", "--counts", "z.json"], "would overwrite"),
    ],
)
def test_a_run_that_cannot_count_does_not_begin(rtdet, tracks, arguments, says) -> None:
    outcome = rtdet("--source", "demo", "--headless", "--max-frames", 2, *arguments)
    assert (outcome.code, len(outcome.errors)) == (2, 1)
    assert says in outcome.err


def test_zones_of_another_size_than_the_tracks_pictures_are_refused_until_the_size_is_given(
    rtdet, tracks, tmp_path
) -> None:
    write_zones(tmp_path / "half.json", ZONES.in_pixels((640, 360)))
    rtdet("count", "t.csv", "--zones", "z.json", "--out", "right.csv")
    outcome = rtdet("count", "t.csv", "--zones", "half.json", "--out", "c.csv")
    assert (outcome.code, len(outcome.errors)) == (2, 1)
    assert "640x360 by the zones, but the tracks reach to" in outcome.err
    assert not (tmp_path / "c.csv").exists()
    outcome = rtdet("count", "t.csv", "--zones", "f.json", "--out", "c.csv", "--size", "640x360")
    assert (outcome.code, len(outcome.errors)) == (2, 1)
    assert "640x360 by --size" in outcome.err
    given = ("--zones", "half.json", "--out", "c.csv", "--size", "1280x720", "--quiet")
    outcome = rtdet("count", "t.csv", *given)
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert _counts("c.csv") == _counts("right.csv")


def test_a_sweep_says_once_that_no_track_has_the_class_of_a_zone(rtdet, tracks, tmp_path) -> None:
    shape = Line("door", ((640, 330), (640, 720)), classes=("persn",))
    write_zones(tmp_path / "p.json", Zones((shape,), (), (1280, 720)))
    outcome = rtdet("count", "t.csv", "--zones", "p.json", "--out", "c.csv", "--sweep", "conf")
    assert outcome.err.count("nothing counts at 'door'") == 1


def test_what_is_called_a_kept_run_and_is_none_is_said(rtdet, tracks, tmp_path) -> None:
    (tmp_path / "junk.rtdet").write_bytes(b"")
    outcome = rtdet("count", "junk.rtdet", "--zones", "z.json", "--out", "c.csv")
    assert (outcome.code, len(outcome.errors)) == (3, 1)
    assert "junk.rtdet is not a kept run" in outcome.err
