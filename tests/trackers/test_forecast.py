"""Where boxes will be, from what they and the camera have done."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from scipy.linalg import expm

from rtdet.trackers import forecast
from rtdet.trackers.camera_step import CameraStep
from rtdet.trackers.forecast import CameraVelocity

FPS = 30.0


def box(x, y=100.0, width=40.0, height=100.0):
    """One track's box, rows cx, cy, w, h (4, 1)."""
    return np.array([[x], [y], [width], [height]], dtype=float)


def watched(boxes):
    """The motion of a track that was seen in these boxes, one a frame."""
    motion = forecast.begin(boxes[0])
    for one in boxes[1:]:
        forecast.advance(motion, 1 / FPS)
        forecast.correct(motion, one)
    return motion


def ahead(motion, elapsed_s):
    """Boxes `elapsed_s` after the moment of `motion`, and how uncertain they are."""
    later = motion.copy()
    forecast.advance(later, elapsed_s)
    return forecast.to_boxes(later), forecast.deviation(later)


def pan(pixels):
    return CameraStep(center=0j, shift=complex(pixels), turn=0j)


def test_the_worked_example_gives_what_it_says():
    done = doctest.testmod(forecast)
    assert done.attempted
    assert not done.failed


def test_what_rests_stays_and_gets_less_certain_with_time():
    motion, before = watched([box(50)] * 30), 0.0
    for elapsed_s in (0.0, 0.1, 0.3, 1.0, 5.0):
        boxes, deviation = ahead(motion, elapsed_s)
        np.testing.assert_allclose(boxes, box(50), atol=1e-9)
        assert deviation[0] > before
        before = deviation[0]


def test_who_walks_goes_on():
    boxes, _ = ahead(watched([box(100 + 2 * n) for n in range(31)]), 0.5)
    assert boxes[0, 0] == pytest.approx(160 + 2 * 15, abs=4)
    np.testing.assert_allclose(boxes[1:], box(0)[1:], atol=1e-9)


def test_the_velocity_of_a_young_track_is_drawn_to_rest():
    moved = []
    for count in (2, 3, 6, 30):
        boxes, _ = ahead(watched([box(100 + 2 * n) for n in range(count)]), 0.2)
        moved.append(boxes[0, 0] - (100 + 2 * (count - 1)))
    assert moved == sorted(moved)
    assert moved[0] < 0.2 * 12 < 0.9 * 12 < moved[-1]


def test_no_velocity_lasts_for_ever():
    motion = watched([box(100 + 2 * n, 100 + n) for n in range(60)])
    (x, y, *_), _ = ahead(motion, 60.0)
    (later_x, later_y, *_), deviation = ahead(motion, 120.0)
    assert later_x == pytest.approx(x, abs=1e-3)
    assert later_y == pytest.approx(y, abs=1e-3)
    assert np.isfinite(deviation).all()


def test_the_width_of_a_stride_is_not_kept():
    widths = 40 * np.exp(0.3 * np.sin(2 * np.pi * np.arange(61) / 15))
    motion = watched([box(50, width=w) for w in np.append(widths, widths[4])])
    near, far = (ahead(motion, elapsed_s)[0][2, 0] for elapsed_s in (0.0, 1.0))
    assert 40 * 1.1 < near < widths[4]
    assert far == pytest.approx(40, rel=0.05)


def test_who_comes_nearer_grows_but_never_without_bound():
    motion = watched([box(50, height=100 * 1.01**n, width=40 * 1.01**n) for n in range(40)])
    last, (_, _, w, h), far = (ahead(motion, elapsed_s)[0] for elapsed_s in (0.0, 0.3, 1e4))
    assert 1.04 < h[0] / last[3, 0] < 1.1
    assert h[0] / w[0] == pytest.approx(2.5, rel=1e-6)
    assert far[3, 0] <= forecast.MOST_GROWTH * last[3, 0] * (1 + 1e-9)


def test_who_comes_nearer_at_a_steady_pace_moves_faster_and_faster():
    # Size and distance from the vanishing point (here 0) are as 1 over the depth.
    near = [1 / (1 - n / 200) for n in range(61)]
    nearer, same_size = (
        ahead(watched(seen), 0.3)[0][0, 0]
        for seen in ([box(200 * k, 100, 40 * k, 100 * k) for k in near], [box(200 * k) for k in near])
    )
    assert same_size + 1 < nearer < 200 / (1 - 69 / 200)


def test_it_is_the_kalman_filter_of_a_velocity_that_fades():
    rng = np.random.default_rng(0)
    steps_s, places = rng.uniform(0.01, 0.4, 12), 100 + 30 * np.cumsum(rng.normal(size=13))
    lasts, power, r = forecast.LASTS_S[0], forecast.VELOCITY_STD[0] ** 2, forecast.MEASURED_STD[0] ** 2
    x, P = np.array([places[0], 0.0]), np.diag([r, power])
    motion = forecast.begin(box(places[0]))

    def moved(x, P, dt):
        # Van Loan 1978: F and Q of dx = v dt, dv = -v / lasts dt + noise, from one matrix exponential.
        A = np.array([[0, 1], [0, -1 / lasts]])
        W = np.diag([0, 2 * power / lasts])
        E = expm(np.block([[-A, W], [np.zeros((2, 2)), A.T]]) * dt)
        F = E[2:, 2:].T
        return F @ x, F @ P @ F.T + F @ E[:2, 2:]

    for dt, z in zip(steps_s, places[1:], strict=True):
        x, P = moved(x, P, dt)
        K = P[:, 0] / (P[0, 0] + r)
        x, P = x + K * (z - x[0]), P - np.outer(K, P[0])
        forecast.advance(motion, dt)
        forecast.correct(motion, box(z))
    x, P = moved(x, P, 0.25)
    forecast.advance(motion, 0.25)
    value, velocity, covariance = motion[0:3, 0], motion[3:6, 0], motion[6:15, 0].reshape(3, 3)
    np.testing.assert_allclose((value[0], velocity[0]), x)
    np.testing.assert_allclose(covariance[:, 0], [P[0, 0], P[0, 1], P[1, 1]])


def test_two_steps_are_as_good_as_one():
    motion = watched([box(100 + 2 * n, 100 + n) for n in range(9)])
    once, twice = motion.copy(), motion.copy()
    forecast.advance(once, 0.5)
    forecast.advance(twice, 0.2)
    forecast.advance(twice, 0.3)
    np.testing.assert_allclose(twice, once, rtol=1e-9, atol=1e-12)


def test_back_in_time_is_as_far_and_as_uncertain_as_ahead():
    motion = watched([box(100 + 2 * n) for n in range(31)])
    now, later, before = (ahead(motion, elapsed_s) for elapsed_s in (0.0, 0.2, -0.2))
    assert later[0][0, 0] - now[0][0, 0] == pytest.approx(now[0][0, 0] - before[0][0, 0])
    assert before[1] == pytest.approx(later[1])


def test_tracks_do_not_know_each_other():
    xs = (100.0, 200.0, 300.0)
    together = forecast.begin(np.concatenate([box(x) for x in xs], axis=1))
    forecast.advance(together, 0.1)
    forecast.correct(together, np.concatenate([box(x + 5) for x in xs], axis=1))
    for column, x in enumerate(xs):
        alone = forecast.begin(box(x))
        forecast.advance(alone, 0.1)
        forecast.correct(alone, box(x + 5))
        np.testing.assert_allclose(together[:, column], alone[:, 0], rtol=1e-12)
    none = together[:, :0].copy()
    forecast.advance(none, 0.1)
    forecast.correct(none, np.zeros((4, 0)))
    assert forecast.to_boxes(none).shape == (4, 0)


def test_a_camera_goes_on_and_soon_comes_to_rest():
    camera = CameraVelocity()
    for _ in range(20):
        camera.observe(pan(5), 1 / FPS)
    # Three frames of five pixels, and a little less: a camera's velocity fades.
    assert 10 < camera.ahead(0.1).shift.real < 15
    assert camera.ahead(-0.1).shift == -camera.ahead(0.1).shift
    for _ in range(60):
        camera.observe(None, 1 / FPS)
    assert abs(camera.ahead(0.3).shift) < 0.1


def test_one_step_of_a_camera_is_half_believed():
    camera = CameraVelocity()
    camera.observe(pan(0), 1 / FPS)
    camera.observe(pan(5), 1 / FPS)
    assert 0.2 * 5 < camera.ahead(1 / FPS).shift.real < 0.7 * 5


def test_a_camera_s_step_may_be_told_beyond_what_was_expected():
    told_all, told_rest = CameraVelocity(), CameraVelocity()
    for n in range(10):
        told_all.observe(pan(5 + n), 1 / FPS)
        expected = told_rest.expect(1 / FPS).shift
        told_rest.observe(CameraStep(0j, 5 + n - expected, 0j), 1 / FPS)
    assert told_rest.ahead(0.1).shift == pytest.approx(told_all.ahead(0.1).shift)


def test_tracks_follow_the_camera_s_shift_zoom_and_roll():
    step = CameraStep(center=complex(300, 100), shift=complex(4, -3), turn=complex(0.02, 0.01))
    boxes = np.concatenate((box(300), box(500, 200)), axis=1)
    motion = forecast.begin(boxes)
    forecast.apply_step(motion, step)
    place = boxes[0] + 1j * boxes[1]
    place += step.shift + step.turn * (place - step.center)
    moved = np.stack((place.real, place.imag, *(boxes[2:] * 1.02)))
    np.testing.assert_allclose(forecast.to_boxes(motion), moved)


def test_boxes_that_jump_anywhere_give_finite_boxes():
    rng = np.random.default_rng(1)
    jumps = np.concatenate((rng.uniform(-1e9, 1e9, (2, 60)), np.exp(rng.uniform(-2, 20, (2, 60)))))
    motion, camera = forecast.begin(jumps[:, :1]), CameraVelocity()
    for n in range(1, 60):
        step = CameraStep(0j, complex(*rng.uniform(-1e6, 1e6, 2)), complex(*rng.uniform(-5, 5, 2)))
        camera.observe(step, 0.01)
        forecast.advance(motion, 0.01)
        forecast.apply_step(motion, step)
        forecast.correct(motion, jumps[:, n : n + 1])
        later = motion.copy()
        elapsed_s = rng.uniform(-3, 3)
        forecast.advance(later, elapsed_s)
        forecast.apply_step(later, camera.ahead(elapsed_s))
        boxes = forecast.to_boxes(later)
        assert np.isfinite(boxes).all()
        assert (boxes[2:] > 0).all()
        assert np.isfinite(forecast.deviation(later)).all()


def test_the_steps_of_a_camera_at_rest_are_soon_not_believed():
    rng, camera = np.random.default_rng(0), CameraVelocity()
    for _ in range(60):
        expected = camera.expect(1 / FPS)
        noise = complex(*rng.normal(0, 2, 2)) - expected.shift
        believed = camera.observe(CameraStep(0j, noise, 0j, noise=8.0), 1 / FPS)
    assert abs(believed.shift + expected.shift) < 0.2
    assert abs(camera.ahead(0.3).shift) < 0.2


def test_the_steps_of_a_camera_that_moves_are_believed_nearly_whole():
    rng, camera = np.random.default_rng(0), CameraVelocity()
    for _ in range(60):
        expected = camera.expect(1 / FPS)
        step = 15 + complex(*rng.normal(0, 2, 2)) - expected.shift
        believed = camera.observe(CameraStep(0j, step, 0j, noise=8.0), 1 / FPS)
    assert abs(believed.shift - step) < 0.1 * 15


def test_a_step_that_is_known_is_believed_whole():
    camera = CameraVelocity()
    for _ in range(10):
        assert camera.observe(pan(1e-3), 1 / FPS) == pan(1e-3)
