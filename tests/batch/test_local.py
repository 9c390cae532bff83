"""The engine of one machine."""

from __future__ import annotations

import sys

import pytest

from rtdet.batch.engines.local import LocalEngine
from rtdet.batch.process import Limits
from rtdet.batch.tasks import WHOLE, Task
from rtdet.errors import RtdetError


def test_workers_that_do_not_start_end_the_batch_and_are_no_fault_of_its_sources():
    command = [sys.executable, "-c", "import sys; sys.exit('no module called rtdet')"]
    engine = LocalEngine(1, Limits(), lambda cores: command)
    task = Task(WHOLE, 1, "k", "/v/1.mp4", {}, "")
    try:
        for _ in range(2):
            engine.start(task)
            (event,) = engine.wait(60)
            assert event.is_lost
            assert "no module called rtdet" in event.crash
        engine.start(task)
        with pytest.raises(RtdetError, match=r"do not start: .*no module called rtdet"):
            engine.wait(60)
    finally:
        engine.close()
