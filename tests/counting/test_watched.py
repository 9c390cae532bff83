"""Counting while somebody watches: other outputs get what is shown, the counter what was seen."""

from __future__ import annotations

import json

from rtdet.build import build_pipeline
from rtdet.config import RunConfig
from rtdet.counting import Zone, Zones, write_zones


def test_a_run_that_is_watched_counts_what_the_detector_saw(tmp_path) -> None:
    write_zones(tmp_path / "z.json", Zones((), (Zone("all", ((0, 0), (1, 0), (1, 1), (0, 1))),)))
    config = RunConfig(
        zones=str(tmp_path / "z.json"),
        events=str(tmp_path / "e.jsonl"),
        counts=str(tmp_path / "c.json"),
        duration=2.0,
    )
    with build_pipeline(config, watched=True) as pipeline:
        assert [mark.words[0] for mark in pipeline.zone_marks()] == ["all"]
        pipeline.start()
        pipeline.join()
        assert pipeline.zone_marks()[0].words[1] != "0 inside"
    events = [json.loads(line) for line in (tmp_path / "e.jsonl").read_text().splitlines()]
    appeared = {one["id"] for one in events if one["event"] == "appeared"}
    assert appeared == {one["id"] for one in events if one["event"] == "ended"} != set()
    assert "most" in (tmp_path / "c.json").read_text()
