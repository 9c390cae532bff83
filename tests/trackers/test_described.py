"""What `--set` takes is said for every tracker, from its own signature and docstring."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from rtdet.cli.track import command
from rtdet.errors import UnknownNameError
from rtdet.trackers.described import described_settings
from rtdet.trackers.registry import TRACKERS, tracker_settings


@pytest.mark.parametrize("tracker", sorted(TRACKERS))
def test_every_setting_has_a_kind_a_default_and_a_line(tracker: str) -> None:
    described = described_settings(tracker)
    assert [one.name for one in described] == [
        name for name in tracker_settings(tracker) if name != "per_class"
    ]
    for one in described:
        assert one.text, one.name
        assert "\n" not in one.text
        assert one.default == tracker_settings(tracker)[one.name].default


def test_settings_that_may_differ_by_class_say_so() -> None:
    by_class = {one.name for one in described_settings("rtdet") if one.by_class}
    assert by_class == {"high", "new", "sure", "max_age_s", "coast_s"}
    assert not any(one.by_class for one in described_settings("sort"))


def test_the_help_of_rtdet_track_lists_them() -> None:
    said = CliRunner().invoke(command, ["--help"]).output
    for tracker in TRACKERS:
        assert f"--set for {tracker}:" in said
        for one in described_settings(tracker):
            assert f"{one.name}=" in said


def test_a_tracker_that_is_none_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean sort"):
        described_settings("srt")
