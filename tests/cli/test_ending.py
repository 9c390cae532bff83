"""Where a run may begin without a window, and how it ends: interrupted, or with more than one thing wrong."""

from __future__ import annotations

import os
import re
import signal
import sys
import time

import pytest

from rtdet.cli.run import has_display, run_to_end
from rtdet.config import RunConfig
from rtdet.errors import OutputError
from rtdet.pipeline import Pipeline, Policy
from rtdet.pipeline.supervisor import END_LIMIT_S
from rtdet.video.sources.demo import DemoSource
from tests.fake_detector import FakeDetector


@pytest.mark.skipif(sys.platform != "linux", reason="X11 and Wayland are Linux's")
def test_a_display_that_is_named_but_does_not_answer_is_none(tmp_path, monkeypatch):
    for name in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not has_display()
    monkeypatch.setenv("DISPLAY", ":59999")
    assert not has_display()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert not has_display()
    (tmp_path / "wayland-0").touch()
    assert has_display()


class _Output:
    """A sink that says when it was first written to, and whose `close` takes its time."""

    def __init__(self, on_first=lambda: None, close_s=0.0, error=None):
        self.on_first, self.close_s, self.error = on_first, close_s, error
        self.frames, self.is_complete = 0, False

    def write(self, result):
        self.frames += 1
        if self.frames == 1:
            self.on_first()
        if self.error is not None:
            raise self.error

    def close(self):
        time.sleep(self.close_s)
        self.is_complete = True


def _demo_pipeline(sink):
    return Pipeline(DemoSource(width=64, height=48), FakeDetector(), None, [sink], policy=Policy.WAIT)


def test_ctrl_c_waits_for_an_encoder_that_needs_longer_than_a_fault_may_take(capsys):
    slow = _Output(on_first=lambda: os.kill(os.getpid(), signal.SIGINT), close_s=END_LIMIT_S + 0.2)
    assert run_to_end(RunConfig(), _demo_pipeline(slow)) == 130
    assert slow.is_complete
    said = capsys.readouterr().err
    assert "finishing the outputs" in said
    assert re.search(r", \d+ dropped \(stop \d+\)", said), said


def test_statistics_that_cannot_be_written_do_not_hide_why_the_run_ended(tmp_path, caplog):
    stats = tmp_path / "stats.json"
    broken = _Output(on_first=stats.mkdir, error=OutputError("the disk is full"))
    with pytest.raises(OutputError, match="the disk is full"):
        run_to_end(RunConfig(stats=str(stats)), _demo_pipeline(broken))
    assert "stats.json" in caplog.text
