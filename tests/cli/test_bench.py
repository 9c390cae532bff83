"""`rtdet bench` as a user calls it."""

from __future__ import annotations

import json

import pytest

from rtdet.bench.clip import write_demo

QUICK = ("--seconds", 0.2, "--imgsz", 160)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return write_demo(tmp_path_factory.mktemp("film"), seconds=1.2)


def test_the_table_names_the_stages_and_the_limit(rtdet, film):
    printed = rtdet("bench", "--source", film, "--quiet", *QUICK)
    assert printed.code == 0
    for name in ("decode", "network", "track", "draw and encode", "pipeline", "Limit:"):
        assert name in printed.out


def test_json_is_printed_and_written(rtdet, film, tmp_path):
    out = tmp_path / "figures.json"
    printed = rtdet("bench", "--source", film, "--json", "--out", out, *QUICK)
    assert printed.code == 0
    figures = json.loads(printed.out)
    assert figures == json.loads(out.read_text())
    assert figures["pipeline"]["frames"] > 0


def test_a_picture_is_written(rtdet, film, tmp_path):
    pytest.importorskip("matplotlib")
    out = tmp_path / "figures.png"
    assert rtdet("bench", "--source", film, "--quiet", "--out", out, *QUICK).code == 0
    assert out.read_bytes().startswith(b"\x89PNG")


def test_the_film_is_not_overwritten(rtdet, film, tmp_path):
    named = tmp_path / "film.json"
    named.write_bytes(film.read_bytes())
    printed = rtdet("bench", "--source", named, "--out", named, *QUICK)
    assert printed.code != 0
    assert "film.json" in printed.err
    assert named.read_bytes() == film.read_bytes()


def test_a_source_that_is_not_there_is_one_line(rtdet):
    printed = rtdet("bench", "--source", "no-such-film.mp4", "--quiet", *QUICK)
    assert printed.code != 0
    assert "no-such-film.mp4" in printed.err
    assert len(printed.err.splitlines()) == 1, "nothing is said of the machine before"
