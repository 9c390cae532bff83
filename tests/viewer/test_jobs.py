"""Slow work in threads of its own."""

from __future__ import annotations

import threading

from rtdet.viewer.jobs import Jobs


def test_joining_waits_for_awaited_jobs_and_leaves_the_others() -> None:
    jobs, never = Jobs(), threading.Event()
    done: list[str] = []
    jobs.run(never.wait, is_awaited=False)
    jobs.run(lambda: done.append("saved"))
    assert not jobs.join(60.0)
    assert done == ["saved"]
    never.set()
