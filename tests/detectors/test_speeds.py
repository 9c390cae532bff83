import json

import pytest

from rtdet.detectors.speeds import note_speed, speed_of


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_model_that_never_ran_has_no_speed():
    assert speed_of("rtdet-n") is None


def test_the_last_speed_of_each_model_is_kept():
    note_speed("a", 10.0, "first")
    note_speed("b", 3.0)
    note_speed("a", 20.0, "second")
    assert (speed_of("a").per_second, speed_of("a").how) == (20.0, "second")
    assert speed_of("b").per_second == 3.0


@pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan"), float("inf")])
def test_what_is_no_speed_is_not_kept(wrong):
    note_speed("a", wrong)
    assert speed_of("a") is None


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', '{"a": {"per_second": "x"}}', "[" * 100_000])
def test_a_damaged_file_is_made_anew(cache, content):
    note_speed("a", 5.0)
    file = cache / "speeds" / "speeds.json"
    file.write_text(content)
    assert speed_of("a") is None
    note_speed("a", 7.0)
    assert json.loads(file.read_text())["a"]["per_second"] == 7.0


def test_a_folder_that_cannot_be_written_is_done_without(cache):
    cache.write_text("a file")
    note_speed("a", 5.0)
    assert speed_of("a") is None
