"""`--save-raw`: what a source sent, kept beside what was made of it."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from rtdet.build import build_pipeline
from rtdet.config import RunConfig


def test_the_copy_of_a_run_is_a_film_to_which_its_tracks_belong(rtdet, clip):
    outcome = rtdet(
        "--source", clip, "--headless", "--save-raw", "raw.mkv", "--tracks", "t.csv", "--save", "a.mp4"
    )
    assert outcome.code == 0, outcome.err
    assert "wrote raw.mkv" in outcome.err
    with av.open("raw.mkv") as copy, av.open(str(clip)) as source:
        assert [stream.codec_context.name for stream in copy.streams] == ["h264", "aac"]
        pairs = [[bytes(packet) for packet in one.demux(video=0) if packet.size] for one in (copy, source)]
    assert len(pairs[0]) == len(pairs[1]) == 40
    outcome = rtdet("render", "raw.mkv", "--tracks", "t.csv", "--out", "b.mp4")
    assert outcome.code == 0, outcome.err
    assert "warning" not in outcome.err


def test_a_run_that_ends_early_copies_about_as_much(rtdet, clip):
    assert rtdet("--source", clip, "--headless", "--save-raw", "raw.mp4", "--max-frames", 10).code == 0
    with av.open("raw.mp4") as copy:
        assert 10 <= sum(1 for _ in copy.decode(video=0)) < 30


def test_a_window_copies_too(clip, tmp_path):
    config = RunConfig(source=str(clip), save_raw=str(tmp_path / "raw.mkv"), tracker="none")
    pipeline = build_pipeline(config, watched=True)
    with pipeline:
        pipeline.start()
        assert pipeline.join(60)
    with av.open(str(tmp_path / "raw.mkv")) as copy:
        assert sum(1 for _ in copy.decode(video=0)) == 40


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("--source", "demo", "--save-raw", "raw.mkv"), 2, "demo has no packets"),
        (("--source", "{}", "--save-raw", "raw.avi"), 2, "no format of a copy of a source's packets"),
        (("--source", "{}", "--save-raw", "{}"), 2, "would overwrite"),
        (("--source", "{}", "--save-raw", "a.mkv", "--save", "a.mkv"), 2, "are the same file"),
        (("--source", "{}", "--save-raw", "no/raw.mkv"), 5, "does not exist"),
    ],
)
def test_what_cannot_be_copied_is_one_line_and_leaves_nothing(rtdet, clip, arguments, code, line):
    before = clip.read_bytes()
    outcome = rtdet("--headless", *(one.format(clip) for one in arguments))
    assert outcome.code == code, outcome.err
    assert len(outcome.errors) == 1
    assert line in outcome.errors[0]
    assert not Path("raw.mkv").exists()
    assert clip.read_bytes() == before
