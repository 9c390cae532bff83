import numpy as np
import pytest

from rtdet.trackers.agility import MOST, USUAL, Agility
from rtdet.trackers.forecast import X_VELOCITY, advance, begin, correct, deviation
from rtdet.trackers.registry import load_tracker
from rtdet.types import Detections

FPS = 20.0


def test_a_scene_without_surprise_is_never_agile():
    agility = Agility()
    for _ in range(500):
        agility.observe(np.full(10, USUAL), 1 / FPS)
        assert agility.value == 1.0


def test_a_moment_of_surprise_changes_nothing():
    agility = Agility()
    for _ in range(4):
        agility.observe(np.full(10, 3.0), 1 / FPS)
    assert agility.value == 1.0


def test_agility_grows_with_lasting_surprise_to_its_bound_and_goes_back():
    agility = Agility()
    for _ in range(400):
        agility.observe(np.full(10, 50.0), 1 / FPS)
    assert agility.value == MOST
    for _ in range(400):
        agility.observe(np.zeros(10), 1 / FPS)
    assert agility.value == 1.0


def test_an_update_without_matches_says_nothing_of_agility():
    agility = Agility()
    for _ in range(400):
        agility.observe(np.full(10, 50.0), 1 / FPS)
    agility.observe(np.empty(0), 10.0)
    assert agility.value == MOST


def test_surprise_is_the_squared_innovation_over_its_variance_averaged_over_x_and_y():
    box = np.array([[100.0], [200.0], [40.0], [90.0]])  # a size of 60 pixels
    motion = begin(box)
    variance = 2 * 0.04**2  # of the first observation and of the second
    off = box + np.array([[0.1 * 60], [0.0], [0.0], [0.0]])
    assert correct(motion, off) == pytest.approx([0.5 * 0.1**2 / variance])


def test_agile_tracks_are_less_certain_and_their_velocities_fade_sooner():
    usual = begin(np.array([[100.0], [200.0], [40.0], [90.0]]))
    usual[X_VELOCITY] = 100.0
    agile = usual.copy()
    advance(usual, 0.5)
    advance(agile, 0.5, 2.0)
    assert deviation(agile) > deviation(usual)
    assert 100 < agile[0, 0] < usual[0, 0]


def ids_among_dancers(swing_px: float) -> int:
    """IDs given to eight in a row, 90 pixels apart, who step to and fro by `swing_px` once a second, each in his own
    time, observed with noise and gaps."""
    rng, tracker = np.random.default_rng(1), load_tracker("rtdet", fps=FPS)
    stands_px, phase = 100.0 + 90 * np.arange(8), rng.random(8)
    ids: set[int] = set()
    for frame in range(240):
        beat = (frame / FPS + phase) % 1.0
        left = stands_px + 2 * swing_px * np.minimum(beat, 1 - beat)
        boxes = np.stack([left, np.full(8, 300.0), left + 80, np.full(8, 500.0)], axis=1)
        boxes += rng.normal(0, 3, boxes.shape)
        seen = rng.random(8) > 0.12
        detections = Detections(boxes, np.full(8, 0.9), np.zeros(8, dtype=int))[seen]
        ids |= set(tracker.update(detections, frame / FPS).ids)
    return len(ids)


def test_dancers_who_turn_quickly_change_ids_half_as_often_as_without_agility(monkeypatch):
    agile = ids_among_dancers(160.0)
    monkeypatch.setattr("rtdet.trackers.agility.MOST", 1.0)
    assert agile - 8 < (ids_among_dancers(160.0) - 8) / 2


def test_those_who_hardly_move_keep_their_ids():
    assert ids_among_dancers(10.0) == 8
