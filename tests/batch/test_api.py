from __future__ import annotations

import pytest

import rtdet
from rtdet import UnknownNameError, UsageError
from tests.batch.conftest import files_below


def test_a_batch_from_python_is_that_of_the_command_line(films, request, tmp_path, monkeypatch, worker_cache):
    monkeypatch.setenv("RTDET_CACHE", str(worker_cache))
    command_line = request.getfixturevalue("rtdet")
    sources = [films / "a.mp4", str(films / "c.mp4")]
    summary = rtdet.run_batch(sources, tmp_path / "python", imgsz=160, classes="person,car", tracks="csv")
    assert (summary.counts.done, summary.counts.failed, summary.frames) == (2, 0, 64)
    command_line(
        "batch", *sources, "--out", "command", "--imgsz", "160", "--classes", "person,car", "--tracks", "csv"
    )
    assert files_below(tmp_path / "python" / "tracks") == files_below(tmp_path / "command" / "tracks")
    again = rtdet.run_batch([], tmp_path / "command", tracks="csv", imgsz=160, classes=("person", "car"))
    assert (again.counts.done, again.frames) == (2, 0)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"confd": 0.2}, r"setting of rtdet\.run_batch 'confd': did you mean conf"),
        ({"stats": "all.json"}, r"setting of rtdet\.run_batch 'stats'"),
        ({"pieces": 0}, "--pieces must be at least 1"),
        ({"conf": "much"}, "a setting has the wrong type|conf"),
        ({"every": "auto"}, "name a number"),
        ({"counts": True}, "--counts needs --zones"),
        ({"engine": "spark"}, "unknown engine 'spark'"),
    ],
)
def test_what_makes_no_sense_is_said(settings, said, tmp_path):
    with pytest.raises((UnknownNameError, UsageError), match=said):
        rtdet.run_batch("demo", tmp_path / "out", **settings)
