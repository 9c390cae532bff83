"""Counting while something is watched, and again from the beginning when a line changes."""

from __future__ import annotations

import numpy as np

from rtdet.counting import Counter, Zones
from rtdet.types import Frame, FrameResult
from rtdet.viewer.live_counter import LiveCounter, Stretches
from rtdet.viewer.past_tracks import PastTracks, past_frame
from tests.counting.walks import DOOR, SIZE, SQUARE, steps, tracks

FPS = 25.0
AT_THE_DOOR = Zones((DOOR,), (), SIZE)
PICTURE = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)


def results(path, *, start_s: float = 0.0, track_id: int = 1) -> list[FrameResult]:
    first = round(start_s * FPS)
    return [
        FrameResult(Frame(PICTURE, (first + i) / FPS, first + i), None, tracks([point], ids=[track_id]))
        for i, point in enumerate(path)
    ]


def crossed(live: LiveCounter) -> tuple[int, int]:
    tally = live.tallies()["door"]
    return tally.first.total, tally.second.total


def feed(sink, frames) -> None:
    for result in frames:
        sink.write(result)


WAY = steps((300, 300), (700, 300), (300, 300))


def test_what_comes_is_counted_as_it_comes() -> None:
    live = LiveCounter()
    live.recount(AT_THE_DOOR)
    feed(live.sink(), results(WAY))
    assert crossed(live) == (1, 1)


def test_a_line_that_is_drawn_later_counts_what_was_there_before() -> None:
    live = LiveCounter()
    sink = live.sink()
    feed(sink, results(WAY[:20]))
    live.recount(AT_THE_DOOR)
    feed(sink, results(WAY)[20:])
    assert crossed(live) == (1, 1)


def test_recounting_gives_what_counting_all_along_would_have() -> None:
    live, counter = LiveCounter(), Counter(Zones((DOOR,), (SQUARE,), SIZE), SIZE)
    frames = results(WAY)
    feed(live.sink(), frames)
    for result in frames:
        counter.update(result.tracks, result.frame.t, result.frame.index + 1)
    live.recount(counter.zones)
    assert crossed(live) == (counter.count("door", "in"), counter.count("door", "out"))
    assert live.tallies()["square"].entered.total == counter.count("square", "entered")


def test_what_is_watched_again_is_not_counted_again() -> None:
    live = LiveCounter()
    live.recount(AT_THE_DOOR)
    sink = live.sink()
    feed(sink, results(WAY))
    feed(sink, results(WAY, track_id=2))
    feed(live.sink(), results(WAY, track_id=1))
    assert crossed(live) == (1, 1)


def test_what_was_skipped_is_counted_when_one_comes_back_to_it() -> None:
    live = LiveCounter()
    live.recount(AT_THE_DOOR)
    sink = live.sink()
    feed(sink, results(WAY, start_s=20.0))
    assert crossed(live) == (1, 1)
    feed(sink, results(WAY, start_s=5.0, track_id=2))
    assert crossed(live) == (2, 2)


def test_the_ids_of_another_pipeline_are_those_of_others() -> None:
    live = LiveCounter()
    live.recount(AT_THE_DOOR)
    frames = results(WAY)
    feed(live.sink(), frames[:8])
    feed(live.sink(), frames[12:15])  # the same ID, beyond the door
    assert crossed(live) == (0, 0)


def test_the_counting_of_before_goes_on_until_the_new_one_is_there_and_one_given_up_changes_nothing() -> None:
    live = LiveCounter()
    live.recount(AT_THE_DOOR)
    feed(live.sink(), results(WAY))
    live.recount(Zones(), is_over=lambda: True)
    assert crossed(live) == (1, 1)


def test_pictures_of_another_size_are_counted_at_the_same_fractions() -> None:
    live = LiveCounter()
    live.recount(AT_THE_DOOR.as_fractions())
    sink = live.sink()
    feed(sink, results(WAY))
    half = np.zeros((SIZE[1] // 2, SIZE[0] // 2, 3), np.uint8)
    path = [(x / 2, y / 2) for x, y in WAY]
    for i, point in enumerate(path):
        sink.write(FrameResult(Frame(half, 10 + i / FPS, 250 + i), None, tracks([point], wide=20, tall=50)))
    assert crossed(live) == (2, 2)


def test_the_sink_wants_what_the_tracker_says() -> None:
    assert LiveCounter().sink().wants_results


def test_stretches_that_were_seen_are_told_from_those_that_were_not() -> None:
    seen = Stretches(2.0)
    assert [seen.add(t, goes_on=t > 0) for t in (0.0, 0.5, 1.0)] == [True, True, True]
    assert not seen.add(0.7, goes_on=False)
    assert seen.add(10.0, goes_on=False)
    assert seen.add(5.0, goes_on=False)
    assert not seen.add(10.0, goes_on=True)
    assert [seen.add(t, goes_on=True) for t in (5.5, 6.5)] == [True, True]
    assert not seen.add(6.0, goes_on=False)


def test_the_past_has_a_bound_and_tells_since_when_it_is() -> None:
    past = PastTracks(most=100)
    for i in range(50):
        past.add(past_frame(tracks([(100, 100)] * 10), i / FPS, i + 1, SIZE))
    frames, count = past.after(0)
    assert count == 50
    assert [frame.number for frame in frames] == list(range(41, 51))
    assert past.first_t == 40 / FPS
    assert [frame.number for frame in past.after(48)[0]] == [49, 50]
    assert past.after(50)[0] == []


def test_the_past_remembers_what_was_seen_and_not_what_was_only_predicted() -> None:
    there = tracks(
        [(100.5, 200.25), (300, 300)], ids=[7, 8], labels=[1, 2], scores=[0.5, 0.9], since=[0.0, 0.2]
    )
    again = past_frame(there, 1.0, 26, SIZE).tracks
    assert again.ids.tolist() == [7]
    assert again.boxes.tolist() == there.boxes[:1].tolist()
    assert again.name_of(0) == "car"
    assert again.scores.tolist() == [0.5]
