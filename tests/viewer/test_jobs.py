"""Slow work in threads of its own."""

from __future__ import annotations

import threading

from rtdet.viewer.jobs import Jobs


def test_joining_waits_for_awaited_jobs_and_leaves_the_others() -> None:
    jobs, never = Jobs(lambda _error: None), threading.Event()
    done: list[str] = []
    jobs.run(never.wait, is_awaited=False)
    jobs.run(lambda: done.append("saved"))
    assert not jobs.join(60.0)
    assert done == ["saved"]
    never.set()


def test_an_error_that_nobody_takes_is_told_and_holds_nothing_up() -> None:
    told: list[str] = []
    jobs = Jobs(lambda error: told.append(str(error)))

    def fail(what: str) -> None:
        raise RuntimeError(what)

    jobs.run(lambda: fail("in the work"))
    jobs.run(lambda: None, done=lambda _none: fail("in what follows"))
    jobs.run(lambda: None, done=lambda _none: told.append("the others"))
    assert jobs.join(60.0)
    jobs.drain()
    assert sorted(told) == ["in the work", "in what follows", "the others"]
