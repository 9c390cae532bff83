"""Which task comes next."""

from __future__ import annotations

import pytest

from rtdet.batch.cutting import number_of_pieces
from rtdet.batch.driver import Driver, Plan
from rtdet.batch.engines.engine import Event
from rtdet.batch.journal import Journal
from rtdet.batch.layout import Layout
from rtdet.batch.manifest import Listed
from rtdet.batch.settings import Settings
from rtdet.batch.tasks import Cut, Outcome
from rtdet.types import SourceInfo


class _Engine:
    """Does nothing; its tasks end when the test says so."""

    about = ""

    def __init__(self, count):
        self.count, self.given, self.over = count, [], []

    def free(self):
        return self.count - len(self.given)

    def workers(self):
        return self.count

    def start(self, task):
        self.given.append(task)

    def wait(self, timeout_s):
        over, self.over = self.over, []
        for event in over:
            self.given.remove(event.task)
        return over

    def running(self):
        return []

    def close(self):
        self.given = []


@pytest.fixture
def batch(tmp_path):
    """Makes a driver of files of these sizes; gives what it gives out, each time that it is asked."""
    layout = Layout(tmp_path / "out")
    layout.make()
    with Journal(layout.journal) as journal:

        def make(sizes, workers, plan):
            engine = _Engine(workers)
            for number, size in enumerate(sizes):
                (tmp_path / f"{number}.mp4").write_bytes(b"\0" * size)
            journal.add(Listed(str(tmp_path / f"{number}.mp4")) for number in range(len(sizes)))
            driver = Driver(layout, journal, engine, plan)
            return driver, engine

        yield make


def _steps(driver, engine, count, ended=lambda task: Outcome(error="no film")):
    """What is given out in so many steps, where whatever is given ends at once."""
    steps = []

    def is_over():
        return len(steps) == count

    def tell():
        if engine.given:
            steps.append(list(engine.given))
        engine.over = [Event(task, ended(task)) for task in engine.given]

    driver.run(is_over, tell)
    return steps


def test_of_the_last_ones_the_longest_come_first(batch):
    driver, engine = batch([5, 9, 1, 7], 1, Plan(Settings(), retries=0))
    order = [task.number for (task,) in _steps(driver, engine, 4)]
    assert order == [2, 4, 1, 3]


def test_of_many_none_is_looked_at_before_its_turn(batch):
    driver, engine = batch([1] * 8 + [9], 1, Plan(Settings(), retries=0))
    assert [task.number for (task,) in _steps(driver, engine, 3)] == [1, 2, 9]


def test_what_is_left_is_cut_so_that_every_worker_has_something_to_do(batch):
    driver, engine = batch([5, 9], 8, Plan(Settings(), retries=0))
    (given,) = _steps(driver, engine, 1)
    assert [(task.number, task.cut) for task in given] == [(2, Cut(least=8)), (1, Cut(least=8))]
    info = SourceInfo("a", 64, 48, 25.0, None, 600.0, is_seekable=True)
    assert number_of_pieces(info, Cut()) == 1
    assert number_of_pieces(info, Cut(least=8)) == 8
    assert number_of_pieces(info, Cut(least=100)) == 20
    assert number_of_pieces(info, Cut(1, least=8)) == 1
    assert number_of_pieces(info, Cut(length_s=60.0, least=2)) == 10


def test_a_piece_that_fails_to_the_end_has_its_source_worked_through_in_one(batch):
    driver, engine = batch([5], 1, Plan(Settings(), retries=1))

    def ended(task):
        return Outcome(cuts=(10, 20)) if task.cut else Outcome(error="no readable frame")

    steps = [one for (one,) in _steps(driver, engine, 4, ended)]
    assert [(task.kind, task.cut is not None) for task in steps] == [
        ("whole", True), ("piece", False), ("piece", False), ("whole", False),
    ]  # fmt: skip
