"""Where boxes will be, from what they and the camera have done."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm

from rtdet.trackers import forecast as module
from rtdet.trackers.camera_step import CameraStep
from rtdet.trackers.forecast import Forecast

FPS = 30.0
ALL = np.array([0])


def box(x, y=100.0, width=40.0, height=100.0):
    """One track's box, rows cx, cy, w, h (4, 1)."""
    return np.array([[x], [y], [width], [height]], dtype=float)


def watched(boxes, fps=FPS, camera=None):
    """A forecast that saw one track in these boxes, one a frame; and the time of the last."""
    forecast = Forecast()
    for n, one in enumerate(boxes):
        if n == 0:
            forecast.begin(one, 0.0)
            continue
        if camera is not None:
            forecast.follow_camera(camera, n / fps)
        forecast.observe(ALL, one, n / fps)
    return forecast, (len(boxes) - 1) / fps


def pan(pixels):
    return CameraStep(centre=0j, shift=complex(pixels), turn=0j)


def test_what_rests_stays_and_gets_less_certain_with_time():
    forecast, now_s = watched([box(50)] * 30)
    before = 0.0
    for ahead_s in (0.0, 0.1, 0.3, 1.0, 5.0):
        boxes, uncertainty = forecast.extrapolate(ALL, now_s, ahead_s)
        np.testing.assert_allclose(boxes, box(50), atol=1e-9)
        assert uncertainty[0] > before
        before = uncertainty[0]


def test_who_walks_goes_on():
    forecast, now_s = watched([box(100 + 2 * n) for n in range(31)])
    boxes, _ = forecast.extrapolate(ALL, now_s, 0.5)
    assert boxes[0, 0] == pytest.approx(160 + 2 * 15, abs=4)
    np.testing.assert_allclose(boxes[1:], box(0)[1:], atol=1e-9)


def test_the_velocity_of_a_young_track_is_drawn_to_rest():
    moved = []
    for count in (2, 3, 6, 30):
        forecast, now_s = watched([box(100 + 2 * n) for n in range(count)])
        boxes, _ = forecast.extrapolate(ALL, now_s, 0.2)
        moved.append(boxes[0, 0] - (100 + 2 * (count - 1)))
    assert moved == sorted(moved)
    assert moved[0] < 0.2 * 12 < 0.9 * 12 < moved[-1]


def test_no_velocity_lasts_for_ever():
    forecast, now_s = watched([box(100 + 2 * n, 100 + n) for n in range(60)])
    (x, y, *_), _ = forecast.extrapolate(ALL, now_s, 60.0)
    (later_x, later_y, *_), uncertainty = forecast.extrapolate(ALL, now_s, 120.0)
    assert later_x == pytest.approx(x, abs=1e-3)
    assert later_y == pytest.approx(y, abs=1e-3)
    assert np.isfinite(uncertainty).all()


def test_the_width_of_a_stride_is_not_kept():
    widths = 40 * np.exp(0.3 * np.sin(2 * np.pi * np.arange(61) / 15))
    forecast, now_s = watched([box(50, width=w) for w in np.append(widths, widths[4])])
    near, far = (forecast.extrapolate(ALL, now_s, ahead_s)[0][2, 0] for ahead_s in (0.0, 1.0))
    assert near == pytest.approx(widths[4], rel=0.05)
    assert far == pytest.approx(40, rel=0.1)


def test_who_comes_nearer_grows_but_never_without_bound():
    forecast, now_s = watched([box(50, height=100 * 1.01**n, width=40 * 1.01**n) for n in range(40)])
    last, (_, _, w, h), far = (forecast.extrapolate(ALL, now_s, a)[0] for a in (0.0, 0.3, 1e4))
    assert 1.04 < h[0] / last[3, 0] < 1.1
    assert h[0] / w[0] == pytest.approx(2.5, rel=1e-6)
    assert far[3, 0] <= module.MOST_GROWTH * last[3, 0]


def test_who_comes_nearer_at_a_steady_pace_moves_faster_and_faster():
    # Size and distance from the vanishing point (here 0) are as 1 over the depth.
    near = [1 / (1 - n / 200) for n in range(61)]
    forecast, now_s = watched([box(200 * k, 100, 40 * k, 100 * k) for k in near])
    passing, _ = watched([box(200 * k) for k in near])
    nearer, same_size = (one.extrapolate(ALL, now_s, 0.3)[0][0, 0] for one in (forecast, passing))
    assert same_size + 1 < nearer < 200 / (1 - 69 / 200)


def test_the_camera_carries_all_on_also_those_who_just_came():
    forecast = Forecast()
    for n in range(20):
        now_s = (n + 1) / FPS
        forecast.follow_camera(pan(5), now_s)
        if n == 0:
            forecast.begin(box(100), now_s)
        else:
            forecast.observe(ALL, box(100 + 5 * n), now_s)
    forecast.begin(box(500), now_s)
    boxes, _ = forecast.extrapolate(np.array([0, 1]), now_s, 0.1)
    # Three frames of five pixels, and a little less: a camera's velocity fades.
    assert 10 < boxes[0, 0] - 195 < 15
    assert 10 < boxes[0, 1] - 500 < 15


def test_a_camera_that_nobody_follows_is_soon_taken_for_one_at_rest():
    forecast = Forecast()
    forecast.begin(box(100), 0.0)
    for n in range(1, 21):
        forecast.follow_camera(pan(5), n / FPS)
    place = forecast.extrapolate(ALL, 0.0, 0.0)[0][0, 0]
    assert place == pytest.approx(200)
    for n in range(21, 81):
        forecast.follow_camera(None, n / FPS)
    assert forecast.extrapolate(ALL, 0.0, 0.3)[0][0, 0] == pytest.approx(200, abs=0.1)


def test_a_camera_that_zooms_in_moves_boxes_from_the_centre_and_enlarges_them():
    zoom = CameraStep(centre=complex(300, 100), shift=0j, turn=complex(0.01))
    forecast = Forecast()
    forecast.begin(np.concatenate((box(300), box(500)), axis=1), 0.0)
    for n in range(1, 11):
        forecast.follow_camera(zoom, n / FPS)
    now, soon = (forecast.extrapolate(np.array([0, 1]), 0.0, a)[0] for a in (0.0, 0.1))
    assert soon[0, 0] == pytest.approx(300, abs=1e-6)
    assert 1.02 < (soon[0, 1] - 300) / (now[0, 1] - 300) < 1.03
    np.testing.assert_allclose(soon[2:] / now[2:], (soon[0, 1] - 300) / (now[0, 1] - 300))


def test_it_is_the_kalman_filter_of_a_velocity_that_fades():
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.01, 0.4, 12))
    places = 100 + 30 * np.cumsum(rng.normal(size=12))
    lasts, power = module.LASTS_S[0, 0], module.VELOCITY_STD[0, 0] ** 2
    r = module.MEASURED_STD[0, 0] ** 2
    x, P = np.array([places[0], 0.0]), np.diag([r, power])
    forecast = Forecast()
    forecast.begin(box(places[0]), times[0])

    def moved(x, P, dt):
        # Van Loan 1978: F and Q of dx = v dt, dv = -v / lasts dt + noise, from one matrix exponential.
        A = np.array([[0, 1], [0, -1 / lasts]])
        W = np.diag([0, 2 * power / lasts])
        E = expm(np.block([[-A, W], [np.zeros((2, 2)), A.T]]) * dt)
        F = E[2:, 2:].T
        return F @ x, F @ P @ F.T + F @ E[:2, 2:]

    for dt, t, z in zip(np.diff(times), times[1:], places[1:], strict=True):
        x, P = moved(x, P, dt)
        K = P[:, 0] / (P[0, 0] + r)
        x, P = x + K * (z - x[0]), P - np.outer(K, P[0])
        forecast.observe(ALL, box(z), t)
    x, P = moved(x, P, 0.25)
    boxes, uncertainty = forecast.extrapolate(ALL, times[-1], 0.25)
    assert boxes[0, 0] == pytest.approx(x[0])
    y_var = uncertainty[0] ** 2 * 2 - P[0, 0]
    assert 0 < y_var < P[0, 0]


def test_asking_changes_nothing_and_back_in_time_is_as_far_as_ahead():
    forecast, now_s = watched([box(100 + 2 * n) for n in range(31)])
    now, ahead, back = (forecast.extrapolate(ALL, now_s, a) for a in (0.0, 0.2, -0.2))
    assert ahead[0][0, 0] - now[0][0, 0] == pytest.approx(now[0][0, 0] - back[0][0, 0])
    assert back[1] == pytest.approx(ahead[1])
    np.testing.assert_array_equal(forecast.extrapolate(ALL, now_s, 0.0)[0], now[0])


def test_tracks_that_are_kept_keep_their_columns():
    forecast = Forecast()
    forecast.begin(np.concatenate([box(x) for x in (100, 200, 300)], axis=1), 0.0)
    forecast.observe(np.array([2, 0]), np.concatenate([box(310), box(110)], axis=1), 0.1)
    expected = forecast.extrapolate(np.array([0, 2]), 0.1, 0.1)[0]
    forecast.keep(np.array([True, False, True]))
    np.testing.assert_array_equal(forecast.extrapolate(np.array([0, 1]), 0.1, 0.1)[0], expected)
    forecast.keep(np.array([False, False]))
    assert forecast.extrapolate(np.zeros(0, dtype=int), 0.1, 0.1)[0].shape == (4, 0)


def test_boxes_that_jump_anywhere_give_finite_boxes():
    rng = np.random.default_rng(1)
    forecast = Forecast()
    jumps = np.concatenate((rng.uniform(-1e9, 1e9, (2, 60)), np.exp(rng.uniform(-2, 20, (2, 60)))))
    forecast.begin(jumps[:, :1], 0.0)
    for n in range(1, 60):
        turn = complex(*rng.uniform(-5, 5, 2))
        forecast.follow_camera(CameraStep(0j, complex(*rng.uniform(-1e6, 1e6, 2)), turn), 0.01 * n)
        forecast.observe(ALL, jumps[:, n : n + 1], 0.01 * n)
        boxes, uncertainty = forecast.extrapolate(ALL, 0.01 * n, rng.uniform(-3, 3))
        assert np.isfinite(boxes).all()
        assert (boxes[2:] > 0).all()
        assert np.isfinite(uncertainty).all()
