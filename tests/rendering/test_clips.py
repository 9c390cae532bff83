"""Events as people and `rtdet count` write them, and the clips around them."""

from __future__ import annotations

import pytest

from rtdet.errors import SourceError, UsageError
from rtdet.rendering import Event, clips_around, read_events
from rtdet.rendering.clips import events_of


def test_events_that_overlap_are_one_clip_and_none_begins_before_the_film() -> None:
    clips = clips_around([Event(20), Event(1), Event(24), Event(40)], 3, 2)
    assert [(clip.start_s, clip.end_s) for clip in clips] == [(0, 3), (17, 26), (37, 42)]
    assert [len(clip.events) for clip in clips] == [1, 2, 1]


def test_names_of_clips_stand_in_order_and_say_what_happened() -> None:
    first, other = clips_around(
        [Event(65.26, "crossed door: in/out person 7"), Event(66, "left"), Event(700)], 1, 1
    )
    assert first.file_name(1, ".mp4") == "0001-01m05.3s-crossed-door-in-out-person-7-and-1-more.mp4"
    assert other.file_name(2, ".mp4") == "0002-11m40.0s.mp4"


def test_files_of_events_are_read_as_they_are_written(tmp_path) -> None:
    table, lines = tmp_path / "e.csv", tmp_path / "e.jsonl"
    table.write_text(
        "event,name,direction,id,class,time_s,frame\ncrossed,door,in,7,person,12.5,313\nleft,yard,,8,car,20,501\n"
    )
    lines.write_text(
        '{"event": "crossed", "name": "door", "direction": "in", "id": 7, "class": "person", "time_s": 12.5}\n'
        '\n{"event": "left", "name": "yard", "id": 8, "class": "car", "time_s": 20}\n'
    )
    events = read_events(table)
    assert events == read_events(lines)
    assert [event.time_s for event in events] == [12.5, 20]
    assert events[0].name == "crossed door in person 7"


def test_names_may_have_line_separators_and_further_lines(tmp_path) -> None:
    (tmp_path / "e.csv").write_text('time_s,name\n1,"a\nb\u2028c"\n2,d\n', encoding="utf-8")
    (tmp_path / "e.jsonl").write_text('{"time_s": 1, "name": "a\u2028c"}\n{"time_s": 2}\n', encoding="utf-8")
    assert [(one.time_s, one.name) for one in read_events(tmp_path / "e.csv")] == [
        (1, "a\nb\u2028c"),
        (2, "d"),
    ]
    assert [(one.time_s, one.name) for one in read_events(tmp_path / "e.jsonl")] == [(1, "a\u2028c"), (2, "")]


@pytest.mark.parametrize(("text", "seconds"), [("83.5", 83.5), ("1:23.5", 83.5), ("1:00:00", 3600), ("0", 0)])
def test_a_moment_is_an_event(text, seconds) -> None:
    assert events_of(text) == ([Event(seconds)], None)


def test_the_nth_event_of_a_file_is_counted_from_one(tmp_path) -> None:
    path = tmp_path / "e.csv"
    path.write_text("time_s\n1\n2\n3\n")
    assert events_of(f"{path}:2") == ([Event(2)], path)
    with pytest.raises(UsageError, match=r"has 3 events, so there is none of number 4"):
        events_of(f"{path}:4")


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("e.csv", "frame,id\n1,2\n", r"no column time_s"),
        ("e.csv", "time_s\nsoon\n", r"line 2 has no time_s"),
        ("e.csv", "time_s\nnan\n", r"line 2 has no time_s"),
        ("e.jsonl", "{\n", r"line 1 is not JSON"),
        ("e.jsonl", "[1]\n", r"line 1 is no object"),
        ("e.jsonl", '{"time_s": 1' + "0" * 400 + "}\n", r"line 1 has no time_s"),
        ("e.jsonl", '{"time_s": 1e300}\n', r"line 1 has no time_s"),
        ("e.csv", 'time_s,name\n1,"a\nb"\n2,c\n-1,d\n', r"line 5 has no time_s"),
    ],
)
def test_a_file_that_holds_no_events_is_refused_with_the_line(tmp_path, name, content, line) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(SourceError, match=line):
        read_events(tmp_path / name)


def test_what_is_neither_a_moment_nor_a_file_is_refused(tmp_path) -> None:
    with pytest.raises(UsageError, match=r"--around takes a moment"):
        events_of("soon")
    for far in ("9" * 400, "9" * 300 + ":00:00", "e.csv:" + "9" * 5000):
        with pytest.raises(UsageError, match=r"--around takes a moment"):
            events_of(far)
    with pytest.raises(SourceError, match=r"no such file"):
        events_of(str(tmp_path / "none.csv"))
