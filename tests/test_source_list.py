"""Several sources: what each is called, its settings, and the files that it writes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rtdet.errors import UnknownNameError, UsageError
from rtdet.source_list import load_runs, name_of


@pytest.fixture
def cameras(tmp_path: Path):
    """Writes cameras.toml; returns its path."""

    def write(text: str) -> str:
        path = tmp_path / "cameras.toml"
        path.write_text(text)
        return str(path)

    return write


TWO = """
conf = 0.4
save = "{name}.mp4"

[[sources]]
name = "door"
source = "rtsp://camera/live"
classes = ["person"]
every = "2"

[[sources]]
source = "yard.mp4"
conf = 0.6
start = 10
"""


def test_settings_at_the_top_hold_for_all_and_those_of_a_table_for_its_source(cameras) -> None:
    door, yard = load_runs(cameras(TWO.replace('every = "2"\n', "")), [], {}, {})
    assert (door.name, yard.name) == ("door", "yard")
    assert (door.config.source, yard.config.source) == ("rtsp://camera/live", "yard.mp4")
    assert (door.config.conf, yard.config.conf) == (0.4, 0.6)
    assert (door.config.classes, yard.config.classes) == (("person",), ())
    assert (door.config.start, yard.config.start) == (0.0, 10.0)
    assert (door.config.save, yard.config.save) == ("door.mp4", "yard.mp4")
    assert {"conf", "classes", "save"} <= door.given
    assert "classes" not in yard.given


def test_the_command_line_and_the_environment_override_the_tables(cameras) -> None:
    path = cameras(TWO.replace('every = "2"\n', ""))
    door, yard = load_runs(path, [], {"conf": 0.1, "classes": None}, {"RTDET_START": "3"})
    assert (door.config.conf, yard.config.conf) == (0.1, 0.1)
    assert door.config.classes == ("person",)
    assert (door.config.start, yard.config.start) == (3.0, 3.0)


def test_sources_of_the_command_line_take_the_place_of_the_files_and_may_name_its_tables(cameras) -> None:
    path = cameras(TWO.replace('every = "2"\n', ""))
    other, door = load_runs(path, ["a.mp4", "door"], {}, {})
    assert (other.name, other.config.source, other.config.conf) == ("a", "a.mp4", 0.4)
    assert (door.config.source, door.config.classes) == ("rtsp://camera/live", ("person",))
    (alone,) = load_runs(path, [], {}, {"RTDET_SOURCE": "b.mp4"})
    assert alone.config.source == "b.mp4"


def test_a_source_that_is_neither_a_table_nor_there_is_told_the_tables(cameras, tmp_path: Path) -> None:
    path = cameras(TWO.replace('every = "2"\n', "") + '\n[[sources]]\nname = "gate"\nsource = "gate.mp4"\n')
    with pytest.raises(UsageError, match=r"^Dor is neither a file nor .* in .*cameras\.toml: door, gate$"):
        load_runs(path, ["door", "Dor"], {}, {})
    (tmp_path / "film.mp4").touch()
    there = [
        str(tmp_path / "film.mp4"),
        "demo:2",
        "webcam",
        "rtsp://other/live",
        "frames/*.jpg",
        str(tmp_path),
    ]
    assert [run.config.source for run in load_runs(path, there, {}, {})] == there


@pytest.mark.parametrize(
    ("setting", "path", "meant"),
    [
        ("save", "out/{nam}.mp4", "{name}"), ("tracks", "{Name}.csv", "{name}"), ("keep", "{indx}.rtdet", "{index}"),
        ("zones", "{names}.json", "{name}"),
    ],
)  # fmt: skip
def test_a_misspelt_placeholder_gets_the_one_that_was_meant(setting: str, path: str, meant: str) -> None:
    with pytest.raises(UsageError, match=rf"^--{setting} {re.escape(path)}: .*; did you mean {meant}\?$"):
        load_runs(None, ["a.mp4", "b.mp4"], {setting: path}, {})


def test_braces_that_are_no_placeholder_are_the_files_own() -> None:
    (run,) = load_runs(None, ["a.mp4"], {"save": "{take 2}-{}-{name}.mp4"}, {})
    assert run.config.save == "{take 2}-{}-a.mp4"


def test_sources_of_the_command_line_override_the_one_of_the_environment() -> None:
    for sources in (["a.mp4"], ["a.mp4", "c.mp4"]):
        runs = load_runs(None, sources, {}, {"RTDET_SOURCE": "b.mp4"})
        assert [one.config.source for one in runs] == sources


def test_sources_may_be_a_list_of_texts(cameras) -> None:
    runs = load_runs(cameras('sources = ["a.mp4", "webcam:1"]'), [], {}, {})
    assert [one.name for one in runs] == ["a", "webcam1"]


def test_without_a_source_there_is_the_default(cameras) -> None:
    (run,) = load_runs(cameras("conf = 0.4"), [], {}, {})
    assert (run.name, run.config.source, run.config.conf) == ("demo", "demo", 0.4)
    (run,) = load_runs(None, [], {"conf": 0.5}, {})
    assert (run.name, run.config.conf) == ("demo", 0.5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[sources]]\nsource = "a.mp4"\nconff = 0.5', "unknown setting in FILE, source 1 'conff'"),
        (
            '[[sources]]\nname = "door"\nsource = "a.mp4"\nconf = "high"',
            "FILE, source 1 (door): conf should be a number, not 'high'",
        ),
        ('[[sources]]\nsource = "a.mp4"\nconf = 2', "FILE, source 1: --conf must be between 0 and 1, not 2"),
        ('[[sources]]\nname = "door"', "FILE, source 1 (door) has no source"),
        ('[[sources]]\nname = 3\nsource = "a.mp4"', "FILE, source 1: name should be a text in quotes, not 3"),
        ("[[sources]]\nsource = 7", "FILE, source 1: source should be a text in quotes, not 7"),
        ('[[sources]]\nsource = "a.mp4"\nquiet = true', "FILE, source 1: quiet is for all sources"),
        (
            '[[sources]]\nname = "x"\nsource = "a.mp4"\n[[sources]]\nname = "x"\nsource = "b.mp4"',
            "FILE, source 2: another source is called x, too",
        ),
        ('source = "a.mp4"\n[[sources]]\nsource = "b.mp4"', "FILE has both source and [[sources]]"),
        ("sources = 3", "FILE: sources should be tables"),
        ("sources = []", "FILE: sources should be tables"),
        ("[[source]]\nsource = 'a.mp4'", "FILE: tables of sources are called [[sources]], not [[source]]"),
        ("sources = [1]", "FILE, source 1: a source is a table"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_its_file_and_place(cameras, text: str, said: str) -> None:
    path = cameras(text)
    with pytest.raises(UsageError, match=re.escape(said.replace("FILE", path))) as caught:
        load_runs(path, [], {}, {})
    assert "\n" not in str(caught.value)


def test_a_misspelt_setting_of_a_source_gets_the_nearest_name(cameras) -> None:
    with pytest.raises(UnknownNameError, match="did you mean tracker"):
        load_runs(cameras('[[sources]]\nsource = "a.mp4"\ntraker = "sort"'), [], {}, {})


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("street.mp4", "street"),
        ("/films/a street.at night.mkv", "a street.at night"),
        ("file:///films/street.mp4", "street"),
        ("0", "webcam0"),
        ("webcam", "webcam0"),
        ("webcam:2", "webcam2"),
        ("/dev/video1", "webcam1"),
        ("rtsp://anna:secret@camera.example:554/live?token=abc", "camera.example"),
        ("http://[::1]:8080/x.mjpg", "::1"),
        ("http://[", "http"),
        ("udp://@:5000", "udp"),
        ("photos/*.jpg", "photos"),
        ("*.jpg", "pictures"),
        ("demo", "demo"),
        ("demo:3", "demo"),
        ("~nobody/x.mp4", "x"),
    ],
)
def test_a_source_without_a_name_is_called_after_its_file_camera_or_host(source: str, name: str) -> None:
    assert name_of(source) == name


def test_sources_that_would_be_called_the_same_are_numbered() -> None:
    runs = load_runs(None, ["a/street.mp4", "b/street.mp4", "street.avi"], {"save": "{name}-{index}.mp4"}, {})
    assert [one.name for one in runs] == ["street", "street-2", "street-3"]
    assert [one.config.save for one in runs] == ["street-1.mp4", "street-2-2.mp4", "street-3-3.mp4"]


def test_a_name_is_a_part_of_one_file_name(cameras) -> None:
    text = '[[sources]]\nname = "../gate: 2/3"\nsource = "a.mp4"'
    (run,) = load_runs(cameras(text), [], {"tracks": "out/{name}.csv", "zones": "zones/{name}.json"}, {})
    assert run.config.tracks == "out/_gate_ 2_3.csv"
    assert run.config.zones == "zones/_gate_ 2_3.json"


@pytest.mark.parametrize(
    ("setting", "path", "offered"),
    [
        ("save", "out.mp4", "'out-{name}.mp4'"),
        ("tracks", "there/tracks.csv", "'there/tracks-{name}.csv'"),
        ("save", "pictures/", "'pictures/{name}/'"),
        ("keep", "run.rtdet", "'run-{name}.rtdet'"),
    ],
)
def test_one_file_for_several_sources_is_refused_with_what_to_write(
    setting: str, path: str, offered: str
) -> None:
    line = f"--{setting} {path} would be one file for a and b; put {{name}} into it, as in {offered}"
    with pytest.raises(UsageError, match=f"^{re.escape(line)}$"):
        load_runs(None, ["a.mp4", "b.mp4"], {setting: path}, {})


def test_only_events_of_several_sources_may_be_mixed_on_standard_output() -> None:
    line = "--tracks - would mix those of a and b on standard output; name a file for each, with {name} in it"
    with pytest.raises(UsageError, match=f"^{re.escape(line)}$"):
        load_runs(None, ["a.mp4", "b.mp4"], {"tracks": "-"}, {})
    assert len(load_runs(None, ["a.mp4", "b.mp4"], {"events": "-"}, {})) == 2


def test_names_that_become_one_file_name_are_refused(cameras) -> None:
    text = '[[sources]]\nname = "a/b"\nsource = "1.mp4"\n[[sources]]\nname = "a:b"\nsource = "2.mp4"'
    with pytest.raises(UsageError, match=re.escape("both come to a_b.mp4; put {index} into it")):
        load_runs(cameras(text), [], {"save": "{name}.mp4"}, {})


def test_statistics_of_all_may_be_one_file_and_events_may_all_go_to_standard_output() -> None:
    runs = load_runs(None, ["a.mp4", "b.mp4"], {"stats": "stats.json", "events": "-"}, {})
    assert {one.config.stats for one in runs} == {"stats.json"}
    assert {one.config.events for one in runs} == {"-"}
