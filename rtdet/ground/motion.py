"""Kalman filters of places on the ground, many at once.

A state is (X, Y, their velocities, the wobble of the box in x and y). Velocities change at random (white noise of
acceleration, Bar-Shalom, Li and Kirubarajan 2001, section 6.2.2). A measured place is off by noise, new each time,
and by the wobble, which lasts a moment: legs that swing, a detector that cuts the same corner in frame after frame.
Taken for noise that is new each time, it would make speeds look far surer than they are.

Nobody tells how much a detector's boxes jitter or wobble, nor how restless an object is. So each track has a filter
for each of several models of these, weighted by how well it predicted what came (Magill 1965), and the size of all
errors is estimated from what the predictions were off by: everything is computed with an assumed noise, and scaled by
`Fit.variance` at the end.

Shapes: T tracks, K models, B = any leading shape.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from rtdet.types import BoolArray, FloatArray

# By how much a velocity changes at random within a second (standard deviation, m/s), and the standard deviation of
# the wobble across and along the picture, in that of the noise: each with each, K models, both for the assumed noise.
_AGILITIES, _WOBBLES = (0.01, 0.1, 0.4, 1.2, 4.0), ((0.0, 0.0), (1.5, 1.5), (5.0, 5.0), (6.0, 1.0))
_MODELS = np.array([(agility, *wobble) for agility, wobble in product(_AGILITIES, _WOBBLES)])
AGILITIES, WOBBLES = _MODELS[:, 0], _MODELS[:, 1:]
# How long a wobble lasts (time constant).
_WOBBLE_S = 0.25
# Before anything is known of a velocity (standard deviation, m/s): so large that it does not count.
_FIRST_VELOCITY = 100.0
# The assumed noise counts as much as this many measured numbers would.
_PRIOR_COUNT = 4.0
_PLACE, _VELOCITY, _WOBBLE = slice(0, 2), slice(2, 4), slice(4, 6)
# What is known of a state before anything is seen of it, but for its place.
UNKNOWN = np.diag([0.0, 0.0, *[_FIRST_VELOCITY**-2.0] * 2, 1.0, 1.0])


class States(NamedTuple):
    """means (B, 6) and covariances (B, 6, 6)."""

    mean: FloatArray
    cov: FloatArray

    def taken(self, rows: Any) -> States:
        return States(self.mean[rows], self.cov[rows])


def first_states(places: FloatArray, roots: FloatArray) -> States:
    """(T, K) states at the first measured places (T, 2), which `roots` (T, 2, 2) of the noise's covariances say the
    error of: root times root transposed is the covariance."""
    shape = (len(places), len(AGILITIES))
    mean, cov = np.zeros((*shape, 6)), np.zeros((*shape, 6, 6))
    mean[..., _PLACE] = places[:, None]
    wobble = WOBBLES[:, None, :] * roots[:, None]
    noise = (roots @ roots.swapaxes(-1, -2))[:, None]
    cov[..., _PLACE, _PLACE] = noise + wobble @ wobble.swapaxes(-1, -2)
    cov[..., _VELOCITY, _VELOCITY] = np.eye(2) * _FIRST_VELOCITY**2
    cov[..., _WOBBLE, _WOBBLE] = np.eye(2)
    cov[..., _PLACE, _WOBBLE] = -wobble
    cov[..., _WOBBLE, _PLACE] = -wobble.swapaxes(-1, -2)
    return States(mean, cov)


def predict(states: States, dt: FloatArray) -> States:
    """The (T, K) states dt (T,) seconds later."""
    count = len(dt)
    step, noise = np.zeros((count, 1, 6, 6)), np.zeros((count, len(AGILITIES), 6, 6))
    stays, t, q = np.exp(-dt / _WOBBLE_S), dt[:, None], AGILITIES**2
    for x, v, w in ((0, 2, 4), (1, 3, 5)):
        step[:, 0, x, x] = step[:, 0, v, v] = 1
        step[:, 0, x, v], step[:, 0, w, w] = dt, stays
        noise[..., x, x], noise[..., v, v] = q * t**3 / 3, q * t
        noise[..., x, v] = noise[..., v, x] = q * t**2 / 2
        noise[..., w, w] = (1 - stays**2)[:, None]
    mean = (step @ states.mean[..., None])[..., 0]
    return States(mean, step @ states.cov @ step.swapaxes(-1, -2) + noise)


def update(states: States, places: FloatArray, roots: FloatArray) -> tuple[States, FloatArray, FloatArray]:
    """The (T, K) states after the measured places (T, 2), with `roots` (T, 2, 2) as above; and of each innovation its
    square by its covariance (T, K), and the logarithm of the covariance's determinant (T, K)."""
    mean, cov = states
    wobble = WOBBLES[:, None, :] * roots[:, None]
    toward = cov[..., _PLACE] + cov[..., _WOBBLE] @ wobble.swapaxes(-1, -2)
    noise = (roots @ roots.swapaxes(-1, -2))[:, None]
    inverse, det = _inverse(toward[..., _PLACE, :] + wobble @ toward[..., _WOBBLE, :] + noise)
    off = places[:, None] - mean[..., _PLACE] - (wobble @ mean[..., _WOBBLE, None])[..., 0]
    gain = toward @ inverse
    after = cov - gain @ toward.swapaxes(-1, -2)
    scaled = (inverse @ off[..., None])[..., 0]
    return (
        States(mean + (gain @ off[..., None])[..., 0], (after + after.swapaxes(-1, -2)) / 2),
        (off * scaled).sum(axis=-1),
        np.log(det),
    )


def _inverse(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(B, 2, 2) the inverses of symmetric matrices, and (B,) their determinants."""
    a, b, d = matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 1, 1]
    det = np.maximum(a * d - b * b, 1e-300)
    inverse = np.stack([np.stack([d, -b], axis=-1), np.stack([-b, a], axis=-1)], axis=-2)
    return inverse / det[..., None, None], det


class Prior(NamedTuple):
    """What is thought of a track before it is seen: how likely each model is (K,), in sum 1, and the noise's
    variance, over that of the assumed noise."""

    weights: FloatArray
    variance: float = 1.0


# Most objects go straight on most of the time.
USUAL = Prior(np.array([0.3, 0.25, 0.2, 0.15, 0.1]).repeat(4) * np.tile([0.4, 0.3, 0.15, 0.15], 5))


@dataclass
class Fit:
    """How well each model predicted each track so far: (T, K) sums over the innovations, and their number (T,)."""

    squares: FloatArray
    logarithms: FloatArray
    count: FloatArray
    prior: Prior = USUAL

    @classmethod
    def none(cls, tracks: int, prior: Prior = USUAL) -> Fit:
        shape = (tracks, len(AGILITIES))
        return cls(np.zeros(shape), np.zeros(shape), np.zeros(tracks), prior)

    def add(self, squares: FloatArray, logarithms: FloatArray, counts: BoolArray) -> None:
        """Adds what `update` gave, of the tracks (T,) of which it counts."""
        self.squares += np.where(counts[:, None], squares, 0)
        self.logarithms += np.where(counts[:, None], logarithms, 0)
        self.count += 2.0 * counts

    def taken(self, rows: Any) -> Fit:
        return Fit(self.squares[rows], self.logarithms[rows], self.count[rows], self.prior)

    @property
    def _total(self) -> FloatArray:
        return np.asarray(_PRIOR_COUNT * self.prior.variance + self.squares)

    @property
    def variance(self) -> FloatArray:
        """(T, K) the noise's variance, over that of the assumed noise: the mean given an inverse-gamma prior."""
        return np.asarray(self._total / (_PRIOR_COUNT + self.count - 2)[:, None])

    @property
    def weights(self) -> FloatArray:
        """(T, K) how likely each model is, in sum 1: its evidence, with the noise's variance integrated out."""
        evidence = -self.logarithms / 2 - ((_PRIOR_COUNT + self.count) / 2)[:, None] * np.log(self._total)
        evidence = evidence + np.log(self.prior.weights)
        likely = np.exp(evidence - evidence.max(axis=1, keepdims=True))
        return np.asarray(likely / likely.sum(axis=1, keepdims=True))


def learned(fit: Fit, rounds: int = 15) -> Prior:
    """What all the tracks together say of a track like them (empirical Bayes, by expectation and maximisation): short
    tracks then need not find out by themselves how much the detector jitters."""
    prior = fit.prior
    long_enough = fit.count >= 2
    if not long_enough.any():
        return prior
    count = fit.count[long_enough]
    for _ in range(rounds):
        one = replace(fit, prior=prior).taken(long_enough)
        weights = one.weights
        # The median, as an ID that went over to another object jumps by any distance.
        variance = float(np.median((weights * one.squares).sum(axis=1) / count))
        share = (weights.sum(axis=0) + USUAL.weights) / (len(weights) + 1)
        prior = Prior(share, max(variance, 1e-6))
    return prior


class Courses(NamedTuple):
    """Of each track at a moment: place (T, 2), velocity (T, 2), and their covariances (T, 2, 2)."""

    place: FloatArray
    velocity: FloatArray
    place_cov: FloatArray
    velocity_cov: FloatArray

    @property
    def speed(self) -> FloatArray:
        """(T,) metres a second."""
        return np.asarray(np.hypot(*np.moveaxis(self.velocity, -1, 0)))

    @property
    def speed_se(self) -> FloatArray:
        """(T,) the standard error of the speed: that of the velocity along itself."""
        away = self.velocity / np.maximum(self.speed, 1e-9)[..., None]
        variance = np.einsum("...i,...ij,...j->...", away, self.velocity_cov, away)
        return np.asarray(np.sqrt(np.maximum(variance, 0)))

    @property
    def place_se(self) -> FloatArray:
        """(T,) the standard error of the place, in metres: the root of both axes' mean variance."""
        return np.asarray(np.sqrt(np.maximum(np.trace(self.place_cov, axis1=-2, axis2=-1), 0) / 2))


def mixed(states: States, fit: Fit) -> Courses:
    """What all the models (T, K) say together."""
    weights, known = fit.weights[..., None], slice(0, 4)
    mean = (weights * states.mean[..., known]).sum(axis=-2)
    off = states.mean[..., known] - mean[..., None, :]
    spread = (
        fit.variance[..., None, None] * states.cov[..., known, known] + off[..., :, None] * off[..., None, :]
    )
    cov = (weights[..., None] * spread).sum(axis=-3)
    return Courses(
        mean[..., _PLACE], mean[..., _VELOCITY], cov[..., _PLACE, _PLACE], cov[..., _VELOCITY, _VELOCITY]
    )
