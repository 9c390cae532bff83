"""Tables of counts and files of events."""

from __future__ import annotations

import csv
import json
from datetime import datetime

import pyarrow.parquet
import pytest

from rtdet.counting import Counter, Line, Zones
from rtdet.counting.tables import count_rows, parse_clock, write_counts, write_events
from rtdet.errors import UnknownNameError, UsageError
from tests.counting.walks import DOOR, SIZE, SQUARE, tracks, walk

CLOCK = datetime(2026, 5, 1, 8, 59, 30)


@pytest.fixture
def counter() -> Counter:
    """One object crosses every 20 seconds, the third one is a car; each is in the square for 4 s."""
    counter = Counter(Zones((DOOR,), (SQUARE,), SIZE), SIZE)
    for k in range(5):
        for i in range(11):
            x = 300 + 40 * i
            one = tracks([(x, 300)], ids=[k + 1], labels=[1 if k == 2 else 0])
            counter.update(one, 20 * k + 0.8 * i, 200 * k + i + 1)
    counter.finish()
    return counter


def _rows(counter, **wanted):
    rows = [row.as_dict() for row in count_rows(counter, 0.0, 89.9, CLOCK)]
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def test_counts_are_by_class_and_by_the_minutes_and_hours_of_the_wall_clock(counter) -> None:
    (whole,) = _rows(counter, what="in", period="all", **{"class": "all"})
    assert (whole["count"], whole["low"] <= 5 <= whole["high"]) == (5, True)
    assert [(row["class"], row["count"]) for row in _rows(counter, what="in", period="all")] == [
        ("all", 5), ("car", 1), ("person", 4),
    ]  # fmt: skip
    minutes = _rows(counter, what="in", period="minute", **{"class": "all"})
    assert [(row["begin"], row["count"]) for row in minutes] == [
        ("2026-05-01T08:59:00", 2), ("2026-05-01T09:00:00", 3),
    ]  # fmt: skip
    hours = _rows(counter, what="in", period="hour", **{"class": "all"})
    assert [(row["begin"], row["count"]) for row in hours] == [
        ("2026-05-01T08:00:00", 2),
        ("2026-05-01T09:00:00", 3),
    ]


def test_a_zone_has_dwell_times_and_the_most_at_once(counter) -> None:
    (visits,) = _rows(counter, what="visits", period="all")
    assert visits["count"] == 5
    assert visits["dwell_mean_s"] == visits["dwell_max_s"] == pytest.approx(4.0)
    assert [row["count"] for row in _rows(counter, what="most")] == [1] * 5
    assert [row["count"] for row in _rows(counter, what="inside", period="all")] == [0]


def _standing(until_s: int) -> Counter:
    counter = Counter(Zones((), (SQUARE,), SIZE), SIZE)
    for t in range(until_s + 1):
        counter.update(tracks([(500, 300)]), float(t), t + 1)
    counter.finish()
    return counter


def test_who_is_there_when_the_run_ends_is_inside_then() -> None:
    rows = count_rows(_standing(70), 0.0, 70.0)
    inside = {(row.period, row.begin_s): row.count for row in rows if row.what == "inside"}
    assert inside == {("all", 0.0): 1, ("hour", 0.0): 1, ("minute", 0.0): 1, ("minute", 60.0): 1}


def test_what_happens_in_the_last_frame_is_in_the_minutes_too() -> None:
    rows = count_rows(_standing(60), 0.0, 60.0)
    for period in ("all", "hour", "minute"):
        ended = [row.count for row in rows if (row.what, row.period) == ("ended", period)]
        assert sum(ended) == 2, period  # for all classes together, and for its own


def test_a_direction_may_be_called_as_a_kind_of_event_is() -> None:
    line = Line("door", DOOR.points, directions=("crossed", "came back"))
    counter = walk([(300 + 10 * i, 300) for i in range(40)], line)
    rows = count_rows(counter, 0.0, 2.0, only_all=True)
    assert {row.what: row.count for row in rows if row.class_name == "all"} == {"crossed": 1, "came back": 0}


def test_a_clock_that_runs_out_of_years_leaves_the_times_empty() -> None:
    counter, clock = _standing(60), parse_clock("9999-12-31T23:59:30")
    begins = [row.begin for row in count_rows(counter, 0.0, 60.0, clock) if row.what == "inside"]
    assert begins == ["9999-12-31T23:59:30", "9999-12-31T23:00:00", "", "9999-12-31T23:59:00", ""]
    assert counter.events[-1].as_dict(clock)["clock"] == ""


def test_the_table_says_the_same_in_every_format(counter, tmp_path) -> None:
    rows = count_rows(counter, 0.0, 90.0)
    for suffix in (".csv", ".json", ".parquet"):
        write_counts(tmp_path / f"c{suffix}", rows, {"size": [1000, 600]})
    with open(tmp_path / "c.csv", newline="") as file:
        plain = list(csv.DictReader(file))
    table = pyarrow.parquet.read_table(tmp_path / "c.parquet").to_pylist()
    content = json.loads((tmp_path / "c.json").read_text())
    assert content["about"] == {"size": [1000, 600]}
    for one in (plain, table, content["counts"]):
        assert [(row["name"], row["what"], int(row["count"])) for row in one] == [
            (row.name, row.what, row.count) for row in rows
        ]
    with pytest.raises(UnknownNameError, match=r"no format of a table of counts"):
        write_counts(tmp_path / "c.txt", rows)


def test_events_are_written_in_order_of_time(counter, tmp_path) -> None:
    write_events(tmp_path / "e.csv", counter.events, CLOCK)
    write_events(tmp_path / "e.jsonl", counter.events)
    with open(tmp_path / "e.csv", newline="") as file:
        plain = list(csv.DictReader(file))
    lines = [json.loads(line) for line in (tmp_path / "e.jsonl").read_text().splitlines()]
    assert [row["event"] for row in plain[:3]] == ["entered", "crossed", "left"]
    assert [line["event"] for line in lines] == [row["event"] for row in plain]
    assert plain[0]["clock"] == "2026-05-01T08:59:32.000"
    assert lines[2]["dwell_s"] == pytest.approx(4.0)


def test_a_clock_or_times_that_make_no_sense_are_refused(counter) -> None:
    assert parse_clock("2026-05-01T08:00Z").tzinfo is not None
    with pytest.raises(UsageError, match=r"--clock is the date and time"):
        parse_clock("tomorrow")
    with pytest.raises(UsageError, match=r"no seconds of a run"):
        count_rows(counter, 0.0, 1e12)
