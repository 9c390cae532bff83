"""Speeds on the ground are right, and as sure as they say, of finished tracks and as a run goes on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rtdet.ground import SpeedMeter, scale_of, with_speeds
from rtdet.tracks import read_table, write_table
from rtdet.tracks.offline import fill, merge, smooth
from rtdet.types import Tracks
from tests.ground.street import SIZE, boxes_at, straight_walks, table_of, the_scale

FPS = 25.0


def unsteady(rng, count):
    """Times of frames of which every fourth or so was dropped."""
    numbers = np.flatnonzero(rng.random(2 * count) > 0.25)[:count]
    return numbers / FPS


def live(table, scale):
    """(N,) speeds and their errors as a run would give them."""
    meter, speed, error = SpeedMeter(scale), [], []
    for number, t in zip(table.frame_list.numbers.tolist(), table.frame_list.times_s.tolist(), strict=True):
        tracks = meter.update(table.at(number), t, SIZE)
        speed.append(tracks.values["speed"])
        error.append(tracks.values["speed_se"])
    return np.concatenate(speed), np.concatenate(error)


def covered(speed, error, true):
    known = np.isfinite(speed)
    off = np.abs(speed - true)[known] / error[known]
    return float((off < 1).mean()), float((off < 1.96).mean())


@pytest.mark.parametrize("noise_px", [0.5, 1.5, 4.0])
@pytest.mark.parametrize("frames", [15, 50])
def test_about_two_thirds_of_the_speeds_are_within_their_error_and_nearly_all_within_twice_it(
    noise_px, frames
):
    rng = np.random.default_rng(3)
    seconds = unsteady(rng, frames)
    walks, speeds = straight_walks(rng, 120, seconds, noise_px)
    table = with_speeds(table_of(walks, seconds), the_scale())
    true = np.array([speeds[one] for one in table.ids.tolist()])
    one, two = covered(table.values["speed"], table.values["speed_se"], true)
    assert 0.6 < one < 0.92
    assert two > 0.91


def test_so_they_are_while_the_run_goes_on():
    rng = np.random.default_rng(4)
    seconds = unsteady(rng, 50)
    walks, speeds = straight_walks(rng, 80, seconds, 1.5)
    table = table_of(walks, seconds)
    speed, error = live(table, the_scale())
    true = np.array([speeds[one] for one in table.ids.tolist()])
    one, two = covered(speed, error, true)
    assert 0.6 < one < 0.95
    assert two > 0.9
    assert np.isfinite(speed[table.frames > 40]).mean() > 0.8


def test_a_change_of_speed_is_followed_and_the_error_holds():
    rng = np.random.default_rng(5)
    seconds = np.arange(100) / FPS
    true = np.where(seconds < 2, 1.0, 3.0)
    walks = {}
    for one in range(1, 41):
        x = np.cumsum(true / FPS) - 4
        walks[one] = boxes_at(np.column_stack([x, np.full(100, rng.uniform(14, 20))]), rng, 1.5)
    table = with_speeds(table_of(walks, seconds), the_scale())
    speed = table.values["speed"].reshape(100, 40)
    assert np.nanmedian(speed[25]) == pytest.approx(1, abs=0.15)
    assert np.nanmedian(speed[75]) == pytest.approx(3, abs=0.15)
    _, two = covered(table.values["speed"], table.values["speed_se"], np.repeat(true, 40))
    assert two > 0.85


def test_a_wobble_that_lasts_for_frames_is_not_taken_for_speed():
    rng = np.random.default_rng(6)
    seconds = np.arange(75) / FPS
    walks, wobble = {}, np.zeros(75)
    for one in range(1, 31):
        for i in range(1, 75):
            wobble[i] = 0.85 * wobble[i - 1] + rng.normal(0, 2)
        x = 1.4 * seconds - 2
        boxes = boxes_at(np.column_stack([x, np.full(75, 16.0)]), rng, 0.5)
        walks[one] = boxes + np.outer(wobble, [1, 0, 1, 0])
    table = with_speeds(table_of(walks, seconds), the_scale())
    off = table.values["speed"] - 1.4
    assert np.sqrt(np.nanmean(off**2)) < 0.25
    _, two = covered(table.values["speed"], table.values["speed_se"], 1.4)
    assert two > 0.8


def test_the_distance_is_that_of_the_way_and_nothing_for_one_who_stands():
    rng = np.random.default_rng(7)
    seconds = np.arange(200) / FPS
    walking = np.column_stack([-4 + 1.0 * seconds, np.full(200, 16.0)])
    standing = np.tile([2.0, 18.0], (200, 1))
    walks = {1: boxes_at(walking, rng, 1.0), 2: boxes_at(standing, rng, 1.0)}
    table = with_speeds(table_of(walks, seconds), the_scale())
    gone = table.values["distance_m"]
    assert gone[table.rows_of(1)][-1] == pytest.approx(7.96, abs=0.4)
    assert (np.diff(gone[table.rows_of(1)]) >= 0).all()
    assert gone[table.rows_of(2)][-1] == 0
    assert table.values["speed"][table.rows_of(2)].max() < 0.15


def test_looking_straight_down_centers_count():
    seconds = np.arange(50) / 10
    center = np.column_stack([100 + 20 * seconds, np.full(50, 300.0)])
    half = np.column_stack([np.full(50, 10.0), 10 + 5 * np.sin(9 * seconds)])  # arms, seen from above
    table = table_of({1: np.hstack([center - half, center + half])}, seconds)
    table = with_speeds(table, scale_of({"metres_per_pixel": 0.05}))
    assert table.values["speed"][25] == pytest.approx(1.0, abs=1e-3)


def test_an_id_that_goes_over_to_another_object_does_not_fly_there():
    seconds = np.arange(60) / FPS
    here, there = boxes_at(np.tile([-3.0, 14.0], (30, 1))), boxes_at(np.tile([5.0, 25.0], (30, 1)))
    table = table_of({1: np.concatenate([here, there])}, seconds)
    rng = np.random.default_rng(0)
    table = replace(table, boxes=table.boxes + rng.normal(0, 0.5, table.boxes.shape))
    whole = with_speeds(table, the_scale())
    assert np.nanmax(whole.values["speed"]) < 0.5
    assert whole.values["distance_m"][-1] < 0.5
    assert np.nanmax(live(table, the_scale())[0]) < 1.5


def test_what_was_not_seen_or_is_above_the_horizon_has_no_speed():
    seconds = np.arange(30) / FPS
    walking = boxes_at(np.column_stack([seconds, np.full(30, 16.0)]))
    bird = np.tile([600.0, 20.0, 640.0, 60.0], (30, 1)) + np.outer(np.arange(30), [1, 0, 1, 0])
    table = table_of({1: walking, 2: bird, 3: walking + 200}, seconds)
    scores = np.where((table.ids == 3) & (table.frames > 2), 0.0, table.scores)
    table = with_speeds(replace(table, scores=scores), the_scale())
    assert np.isfinite(table.values["speed"][table.rows_of(1)]).all()
    for name in ("speed", "speed_se", "distance_m"):
        assert np.isnan(table.values[name][table.ids != 1]).all()


def test_true_times_count_not_frame_numbers():
    numbers = np.concatenate([np.arange(0, 60, 3), np.arange(60, 90)])
    seconds = numbers / FPS
    rng = np.random.default_rng(8)
    walks = {1: boxes_at(np.column_stack([-2 + 1.5 * seconds, np.full(50, 15.0)]), rng, 0.5)}
    speed = with_speeds(table_of(walks, seconds), the_scale()).values["speed"]
    assert np.abs(speed - 1.5).max() < 0.1


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".json"])
def test_files_give_speeds_back_and_the_offline_tools_carry_them(tmp_path, suffix):
    seconds = np.arange(20) / FPS
    walks, _ = straight_walks(np.random.default_rng(9), 3, seconds, 1.0)
    table = with_speeds(table_of(walks, seconds, sizes=False), the_scale())
    table = replace(
        table, values={**table.values, "speed": np.where(table.ids == 2, np.nan, table.values["speed"])}
    )
    write_table(table, tmp_path / f"a{suffix}")
    again = read_table(tmp_path / f"a{suffix}")
    for name in ("speed", "speed_se", "distance_m"):
        assert again.values[name] == pytest.approx(table.values[name], abs=0.006, nan_ok=True)
    kept = smooth(fill(replace(again, ids=again.ids + 5)))
    assert kept.values["speed"] == pytest.approx(again.values["speed"], nan_ok=True)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".json", ".txt"])
def test_files_of_tracks_without_a_scale_say_nothing_of_speeds(tmp_path, suffix):
    walks, _ = straight_walks(np.random.default_rng(9), 3, np.arange(9) / FPS, 1.0)
    table = table_of(walks, np.arange(9) / FPS)
    write_table(table, tmp_path / f"a{suffix}")
    assert b"speed" not in (tmp_path / f"a{suffix}").read_bytes()
    assert "speed" not in read_table(tmp_path / f"a{suffix}").values
    write_table(with_speeds(table, the_scale()), tmp_path / f"b{suffix}")
    assert (b"speed_se" in (tmp_path / f"b{suffix}").read_bytes()) == (suffix != ".txt")


def test_a_filled_row_has_no_speed_of_its_own():
    seconds = np.arange(20) / FPS
    walks, _ = straight_walks(np.random.default_rng(9), 1, seconds, 1.0)
    table = with_speeds(table_of(walks, seconds), the_scale())
    holed = merge_of(table, [1, *range(8, 21)])
    filled = fill(holed)
    new = np.isin(filled.frames, range(2, 8))
    assert np.isnan(filled.values["speed"][new]).all()
    assert np.isfinite(with_speeds(filled, the_scale()).values["speed"][new]).all()


def merge_of(table, frames):
    keep = np.flatnonzero(np.isin(table.frames, frames))
    return replace(
        table, frames=table.frames[keep], ids=table.ids[keep], boxes=table.boxes[keep], scores=table.scores[keep],
        labels=table.labels[keep], values={name: values[keep] for name, values in table.values.items()},
    )  # fmt: skip


def test_no_tracks_at_all_have_no_speeds():
    empty = table_of({1: np.zeros((0, 4))}, np.zeros(0))
    assert len(with_speeds(empty, the_scale())) == 0
    tracks = SpeedMeter(the_scale()).update(Tracks(), 0.0, SIZE)
    assert tracks.values["speed"].shape == (0,)


class TestTheMeter:
    def run(self, meter, frames=40, speed=2.0):
        for i in range(frames):
            tracks = Tracks(boxes_at([[-2 + speed * i / FPS, 15.0]]), [7])
            tracks = meter.update(tracks, i / FPS, SIZE)
        return tracks

    def test_it_tells_nothing_before_it_knows(self):
        meter = SpeedMeter(the_scale())
        assert np.isnan(self.run(meter, 2).values["speed"]).all()
        assert self.run(SpeedMeter(the_scale())).values["speed"][0] == pytest.approx(2.0, abs=0.1)

    def test_it_goes_on_for_a_moment_and_looks_ahead_without_a_change(self):
        meter = SpeedMeter(the_scale())
        tracks = self.run(meter)
        error = tracks.values["speed_se"][0]
        ahead = meter.at(tracks, 39 / FPS + 0.3).values
        assert ahead["speed"][0] == pytest.approx(2.0, abs=0.1)
        assert ahead["speed_se"][0] > error
        assert np.isnan(meter.at(tracks, 39 / FPS + 5).values["speed"]).all()
        assert meter.at(tracks, 39 / FPS).values["speed_se"][0] == error

    def test_a_predicted_box_is_no_measurement(self):
        meter = SpeedMeter(the_scale())
        tracks = self.run(meter)
        away = Tracks(boxes_at([[9.0, 25.0]]), [7], since_update_s=[0.04])
        assert meter.update(away, 40 / FPS, SIZE).values["speed"] == pytest.approx(
            tracks.values["speed"], abs=0.05
        )

    def test_after_a_reset_and_after_long_it_starts_over(self):
        meter = SpeedMeter(the_scale())
        tracks = self.run(meter)
        meter.update(tracks, 1000.0, SIZE)
        assert np.isnan(meter.at(tracks, 1000.0).values["speed"]).all()
        self.run(meter)
        meter.reset()
        assert np.isnan(meter.at(tracks, 2.0).values["distance_m"]).all()

    def test_a_broken_clock_does_it_no_harm(self):
        meter = SpeedMeter(the_scale())
        for i, t in enumerate([0.0, 0.04, np.nan, 0.04, -5.0, 1e300, 0.3, 0.3, 0.4, np.inf]):
            tracks = meter.update(Tracks(boxes_at([[i / 20, 15.0]]), [1]), t, SIZE)
        assert not np.isinf(tracks.values["speed"]).any()

    def test_many_come_and_go(self):
        meter, rng = SpeedMeter(the_scale()), np.random.default_rng(0)
        for i in range(60):
            ids = np.sort(rng.choice(np.arange(1, 60), 20, replace=False))
            places = np.column_stack([ids / 10 - 3 + i / FPS, 12 + ids / 6])
            order = rng.permutation(20)
            tracks = meter.update(Tracks(boxes_at(places)[order], ids[order]), i / FPS, SIZE)
        known = np.isfinite(tracks.values["speed"])
        assert known.sum() > 15
        assert tracks.values["speed"][known] == pytest.approx(np.ones(known.sum()), abs=0.2)


def test_merged_tracks_are_measured_as_one():
    seconds = np.arange(40) / FPS
    walks, speeds = straight_walks(np.random.default_rng(2), 1, seconds, 0.5)
    table = table_of(walks, seconds)
    broken = replace(table, ids=np.where(table.frames > 20, 2, 1))
    whole = with_speeds(merge(broken, 1, 2), the_scale())
    assert whole.values["speed"] == pytest.approx(np.full(40, speeds[1]), abs=0.15)


def test_one_who_is_there_for_minutes_is_measured_all_along():
    seconds = np.arange(5200) / FPS
    x = 3 * np.sin(seconds / 5)
    places = np.column_stack([x, np.full(5200, 16.0)])
    table = table_of({1: boxes_at(places, np.random.default_rng(0), 0.5)}, seconds)
    table = with_speeds(table, the_scale())
    off = table.values["speed"] - np.abs(0.6 * np.cos(seconds / 5))
    assert np.isfinite(off).all()
    assert np.sqrt(np.mean(off**2)) < 0.1
    assert table.values["distance_m"][-1] == pytest.approx(np.abs(np.diff(x)).sum(), rel=0.05)
