"""The whole course of tracks on the ground: a filter from the front and one from the back, put together.

At each row the filter from the front knows what came before and the row itself, that from the back what comes after;
both know nothing of each other, so their information adds up (Fraser and Potter 1969; the same result as Rauch, Tung
and Striebel's smoother, with nothing to subtract while velocities are not yet known).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from rtdet.ground.motion import UNKNOWN, Courses, Fit, States, first_states, learned, mixed, predict, update
from rtdet.types import BoolArray, FloatArray, IntArray

# So many rows are in memory at once, about 7 KB each.
_MOST_ROWS = 15_000
# Backward in time velocities turn round.
_TURNED = np.diag([1.0, 1.0, -1.0, -1.0, 1.0, 1.0])
_SUMS = ("squares", "logarithms", "count")


class Course(NamedTuple):
    """What is known of one object: seconds (n,), places (n, 2), square roots of their
    covariances (n, 2, 2), and which were measured
    (n,): the first and the last, at least."""

    seconds: FloatArray
    places: FloatArray
    roots: FloatArray
    measured: BoolArray


class _Batch(NamedTuple):
    """Courses side by side, the longest first: (L, T, ...), and how many there are at each of the L steps."""

    seconds: FloatArray
    places: FloatArray
    roots: FloatArray
    measured: BoolArray
    alive: IntArray


def smoothed(courses: Sequence[Course]) -> Iterator[tuple[int, Courses]]:
    """Of each course, in any order: its index, and what it was like at each of its n rows (n for T)."""
    groups = list(_groups([len(course.seconds) for course in courses]))
    fits = [_filtered(_batch([courses[i] for i in group]))[1] for group in groups]
    if not fits:
        return
    squares, logarithms, count = (np.concatenate([getattr(fit, name) for fit in fits]) for name in _SUMS)
    prior = learned(Fit(squares, logarithms, count))
    for group, fit in zip(groups, fits, strict=True):
        chosen = [courses[i] for i in group]
        yield from zip(group, _smoothed(chosen, replace(fit, prior=prior)), strict=True)


def _groups(counts: Sequence[int]) -> Iterator[list[int]]:
    """The indices of courses with so many rows, in groups that fit into memory together, the longest first."""
    order = sorted(range(len(counts)), key=lambda one: -counts[one])
    while order:
        room = max(1, _MOST_ROWS // counts[order[0]])
        yield order[:room]
        order = order[room:]


def _smoothed(courses: list[Course], fit: Fit) -> Iterator[Courses]:
    filtered, _ = _filtered(_batch(courses))
    counts = [len(course.seconds) for course in courses]
    rows = _put_together(filtered, fit, _batch([_reversed(course) for course in courses]), counts)
    for one, count in enumerate(counts):
        yield Courses(*(part[one, :count] for part in rows))


def _batch(courses: list[Course]) -> _Batch:
    counts = np.array([len(course.seconds) for course in courses])
    shape = (int(counts[0]), len(courses))
    batch = _Batch(
        np.zeros(shape), np.zeros((*shape, 2)), np.zeros((*shape, 2, 2)), np.zeros(shape, dtype=bool),
        (counts[None, :] > np.arange(shape[0])[:, None]).sum(axis=1),
    )  # fmt: skip
    for one, course in enumerate(courses):
        for part, values in zip(batch[:4], course, strict=True):
            part[: counts[one], one] = values
    return batch


def _reversed(course: Course) -> Course:
    """The course backward in time, which then rises again: velocities turn round."""
    return Course(-course.seconds[::-1], course.places[::-1], course.roots[::-1], course.measured[::-1])


def _filtered(batch: _Batch) -> tuple[list[States], Fit]:
    """The states after each step, and how well they predicted."""
    fit = Fit.none(len(batch.seconds[0]))
    states = first_states(batch.places[0], batch.roots[0])
    known, result = np.ones(len(batch.seconds[0])), [states]
    for step in range(1, len(batch.seconds)):
        now = slice(0, int(batch.alive[step]))
        states = predict(states.taken(now), (batch.seconds[step] - batch.seconds[step - 1])[now])
        after, squares, logarithms = update(states, batch.places[step, now], batch.roots[step, now])
        seen = batch.measured[step, now]
        states = _chosen(seen, after, states)
        # The second place is wherever the unknown velocity took it: that says nothing.
        part = fit.taken(now)
        part.add(squares, logarithms, seen & (known[now] >= 2))
        fit.squares[now], fit.logarithms[now], fit.count[now] = part.squares, part.logarithms, part.count
        known[now] += seen
        result.append(states)
    return result, fit


def _chosen(which: BoolArray, some: States, others: States) -> States:
    if which.all():
        return some
    parts = zip(some, others, strict=True)
    return States(*(np.where(which.reshape(-1, *[1] * (a.ndim - 1)), a, b) for a, b in parts))


def _put_together(filtered: list[States], fit: Fit, back: _Batch, counts: list[int]) -> Courses:
    """Both filters' knowledge at each row of each course, (T, L, ...)."""
    tracks, longest = len(counts), counts[0]
    rows = Courses(*(np.zeros((tracks, longest, *shape)) for shape in ((2,), (2,), (2, 2), (2, 2))))
    states: States | None = None
    for step in range(longest):
        now = slice(0, int(back.alive[step]))
        at = np.array(counts[now]) - 1 - step
        ahead = States(
            *(np.stack([filtered[row][part][one] for one, row in enumerate(at)]) for part in range(2))
        )
        if states is not None:
            states = predict(states.taken(now), (back.seconds[step] - back.seconds[step - 1])[now])
            ahead = _together(ahead, states)
        for part, values in zip(rows, mixed(ahead, fit.taken(now)), strict=True):
            part[np.arange(len(at)), at] = values
        if states is None:
            states = first_states(back.places[0], back.roots[0])
        else:
            after = update(states, back.places[step, now], back.roots[step, now])[0]
            states = _chosen(back.measured[step, now], after, states)
    return rows


def _together(ahead: States, back: States) -> States:
    """Of two estimates that know nothing of each other, of which the second runs backward in time, that of both. What
    was known before anything was seen is in both and counts once."""
    first, second = np.linalg.inv(ahead.cov), np.linalg.inv(_TURNED @ back.cov @ _TURNED)
    cov = np.linalg.inv(first + second - UNKNOWN)
    both = first @ ahead.mean[..., None] + second @ (back.mean @ _TURNED)[..., None]
    return States((cov @ both)[..., 0], cov)
