"""The most likely course of a value with a velocity: Kalman filter forward, Rauch-Tung-Striebel smoother back.

One state is (value, velocity) with covariance ((p, c), (c, q)); only values are measured. For two numbers everything
has a closed form. It is written so that variances and determinants are sums and products of what is not negative:
nothing cancels. Rauch, Tung and Striebel 1965, Maximum likelihood estimates of linear dynamic systems.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class _Step(NamedTuple):
    """The filter before and after a measurement: what was predicted, with its covariance and determinant."""

    value: float
    velocity: float
    p: float
    c: float
    q: float
    det: float
    filtered_value: float
    filtered_velocity: float


def most_likely(
    dt: Sequence[float],
    values: Sequence[float],
    variances: Sequence[float],
    powers: Sequence[float],
    seen: Sequence[bool],
    velocity_variance: float,
) -> list[float]:
    """The N values given all that were seen.

    dt (N,) seconds since the row before, 0 or more; values (N,) with their `variances` (N,), measured where `seen`
    (N,); powers (N,) of the white noise of acceleration in each step (Bar-Shalom, Li and Kirubarajan 2001, section
    6.2.2). The first value is seen; its velocity is 0, of `velocity_variance`. Variances are above 0.
    """
    steps = _forward(dt, values, variances, powers, seen, velocity_variance)
    value, velocity = steps[-1].filtered_value, steps[-1].filtered_velocity
    result = [value]
    for row in range(len(steps) - 1, 0, -1):
        step, t = steps[row], dt[row]
        off, velocity_off = value - step.value, velocity - step.velocity
        # What the noise of the step most likely was: Q P^-1 of what the prediction was off by.
        u = (step.q * off - step.c * velocity_off) / step.det * powers[row] * t
        w = (step.p * velocity_off - step.c * off) / step.det * powers[row] * t
        velocity -= u * t / 2 + w
        value -= u * t * t / 3 + w * t / 2 + velocity * t
        result.append(value)
    return result[::-1]


def _forward(
    dt: Sequence[float],
    values: Sequence[float],
    variances: Sequence[float],
    powers: Sequence[float],
    seen: Sequence[bool],
    velocity_variance: float,
) -> list[_Step]:
    """The Kalman filter; the first row's step is its value."""
    value, velocity = values[0], 0.0
    p, c, q = variances[0], 0.0, velocity_variance
    det = p * q
    steps = [_Step(value, velocity, p, c, q, det, value, velocity)]
    for t, measured, variance, power, is_seen in list(zip(dt, values, variances, powers, seen, strict=True))[
        1:
    ]:
        value += t * velocity
        det += power * t * (p + t * c + t * t * (q / 3 + power * t / 12))
        p += t * (2 * c + t * q + power * t * t / 3)
        c += t * (q + power * t / 2)
        q += power * t
        predicted = value, velocity, p, c, q, det
        if is_seen:
            innovation = (measured - value) / (p + variance)
            value += p * innovation
            velocity += c * innovation
            shrink = variance / (p + variance)
            p, c, q, det = p * shrink, c * shrink, q * shrink + det / (p + variance), det * shrink
        steps.append(_Step(*predicted, value, velocity))
    return steps
