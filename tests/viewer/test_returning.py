"""Live sources that come back by themselves."""

from __future__ import annotations

import pytest

from rtdet.viewer import returning
from rtdet.viewer.player import PlayerState
from rtdet.viewer.returning import FIRST_S, LONGEST_S, Returning, can_return


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(returning, "time", clock)
    return clock


def test_cameras_and_addresses_can_return_and_files_cannot() -> None:
    assert can_return("webcam:1")
    assert can_return("rtsp://door/stream")
    assert not can_return("street.mp4")
    assert not can_return("demo")


def test_a_lost_source_is_tried_again_after_waits_that_grow_until_it_has_been_there_for_a_while(
    clock,
) -> None:
    player, tries = PlayerState(), []
    again = Returning(player, lambda: tries.append(clock.now))
    waits = []
    for _ in range(7):
        again.lost("rtsp://door/stream")
        lost_at = clock.now
        while player.retry_in_s is not None or len(tries) == len(waits):
            clock.now += 0.25
            again.poll()
        waits.append(tries[-1] - lost_at)
    assert waits[0] == FIRST_S
    assert waits[-1] == LONGEST_S
    assert waits == sorted(waits)
    again.opened()
    clock.now += 60.0
    again.lost("rtsp://door/stream")
    again.poll()
    assert player.retry_in_s == FIRST_S + 1 or player.retry_in_s == FIRST_S


def test_nothing_is_tried_of_a_file_and_after_something_else_was_done(clock) -> None:
    player, tries = PlayerState(), []
    again = Returning(player, lambda: tries.append(clock.now))
    again.lost("street.mp4")
    clock.now += 100.0
    again.poll()
    again.lost("webcam")
    again.poll()
    assert player.retry_in_s is not None
    again.forget()
    clock.now += 100.0
    again.poll()
    assert tries == []
    assert player.retry_in_s is None
