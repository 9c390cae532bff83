"""Who is on the street, where, and when."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rtdet.video.demo import street
from rtdet.video.demo.people import Person, random_person
from rtdet.video.demo.street import View
from rtdet.video.demo.vehicles import Vehicle, random_vehicle

CLASS_NAMES = ("person", "bicycle", "car", "motorcycle", "bus", "truck")

# A traffic light up the road lets vehicles through for the first part of each period; people cross in the rest.
_PERIOD_S, _GREEN_S = 15.0, 7.6
_LABELS = {"sedan": 2, "hatch": 2, "suv": 2, "van": 2, "bicycle": 1, "motorcycle": 3, "bus": 4, "truck": 5}


@dataclass(frozen=True, eq=False)
class Actor:
    """One object. It moves straight between way points (seconds, x metres, depth metres)."""

    look: Person | Vehicle
    label: int
    times: np.ndarray
    xs: np.ndarray
    depths: np.ndarray
    mount: str = ""
    """What a rider sits on."""
    nearer: float = 0.0
    """Added to the drawing order, so that a rider is drawn over what is ridden."""
    walked: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        steps = np.hypot(np.diff(self.xs), np.diff(self.depths))
        object.__setattr__(self, "walked", np.concatenate([[0.0], np.cumsum(steps)]))

    def at(self, t: float) -> tuple[float, float, float, float, float]:
        """(x, depth, distance so far, x speed, depth speed) at that time, in metres and seconds."""
        k = int(np.clip(np.searchsorted(self.times, t, side="right") - 1, 0, len(self.times) - 2))
        span = float(self.times[k + 1] - self.times[k])
        part = (t - float(self.times[k])) / span
        dx, dz = float(self.xs[k + 1] - self.xs[k]), float(self.depths[k + 1] - self.depths[k])
        walked = self.walked[k] + part * (self.walked[k + 1] - self.walked[k])
        x, depth = float(self.xs[k]) + part * dx, float(self.depths[k]) + part * dz
        return x, depth, float(walked), dx / span, dz / span


def _actor(
    look: Person | Vehicle, label: int, points: list[tuple[float, float, float]], **more: object
) -> Actor:
    times, xs, depths = (np.asarray(column, dtype=np.float64) for column in zip(*points, strict=True))
    return Actor(look, label, times, xs, depths, **more)  # type: ignore[arg-type]


def plan_traffic(view: View, rng: np.random.Generator, duration_s: float, reach: float) -> list[Actor]:
    """Everyone who is seen at some moment from 0 to `duration_s`, in the order of their coming.

    `reach` is how much wider than the picture the street is looked at (moving camera), as a factor.
    """
    actors: list[Actor] = []
    lanes = [(street.NEAR_LANE, 1, rng.uniform(6.0, 8.0)), (street.FAR_LANE, -1, rng.uniform(6.0, 8.0))]
    for depth, heading, speed in lanes:
        actors += _vehicles(view, rng, duration_s, reach, depth, heading, speed)
    for depth, heading in ((street.NEAR_CYCLES, 1), (street.FAR_CYCLES, -1)):
        actors += _cyclists(view, rng, duration_s, reach, depth, heading)
    for near, far, gap in (
        (10.9, street.NEAR_KERB - 0.5, 8.0),
        (street.FAR_KERB + 0.6, street.FACADE - 1.6, 11.0),
    ):
        actors += _strollers(view, rng, duration_s, reach, (near, far), gap)
    actors += _crossers(view, rng, duration_s, reach)
    seen = [a for a in actors if a.times[-1] > 0 and a.times[0] < duration_s]
    return sorted(seen, key=lambda a: (float(a.times[0]), a.label))


def _through(
    view: View, at_crossing: float, depth: float, heading: int, speed: float, edge: float
) -> list[tuple[float, float, float]]:
    """The way along a lane that passes the crossing at that time."""
    before = (view.crossing * heading + edge) / speed
    after = (edge - view.crossing * heading) / speed
    return [(at_crossing - before, -heading * edge, depth), (at_crossing + after, heading * edge, depth)]


def _greens(duration_s: float) -> list[float]:
    return [float(t) for t in np.arange(-2, duration_s / _PERIOD_S + 1) * _PERIOD_S]


def _vehicles(
    view: View,
    rng: np.random.Generator,
    duration_s: float,
    reach: float,
    depth: float,
    heading: int,
    speed: float,
) -> list[Actor]:
    actors: list[Actor] = []
    kinds = ["sedan", "hatch", "suv", "van", "motorcycle", "bus", "truck"]
    chances = [0.24, 0.22, 0.16, 0.1, 0.1, 0.08, 0.1]
    for number, green in enumerate(_greens(duration_s)):
        t = green + rng.uniform(0.0, 1.2)
        big = "bus" if (number + heading) % 4 == 0 else "truck"
        while t < green + _GREEN_S:
            kind = str(rng.choice(kinds, p=chances))
            if big and t > green + 1.5 and number % 2 == (heading > 0):
                kind, big = big, ""
            vehicle = random_vehicle(rng, kind)
            half = vehicle.length / 2
            edge = view.half_width(depth) * reach + half + 0.5
            points = _through(view, t + half / speed, depth + rng.uniform(-0.25, 0.25), heading, speed, edge)
            actors.append(_actor(vehicle, _LABELS[kind], points))
            if kind == "motorcycle":
                actors.append(_actor(random_person(rng), 0, points, mount=kind, nearer=0.02))
            t += (vehicle.length + rng.uniform(4.0, 22.0)) / speed
    return actors


def _cyclists(
    view: View, rng: np.random.Generator, duration_s: float, reach: float, depth: float, heading: int
) -> list[Actor]:
    actors: list[Actor] = []
    for green in _greens(duration_s):
        speed, t = rng.uniform(3.4, 4.6), green + rng.uniform(0, 4.0)
        while t < green + _GREEN_S:
            edge = view.half_width(depth) * reach + 1.5
            points = _through(view, t, depth + rng.uniform(-0.2, 0.2), heading, speed, edge)
            actors.append(_actor(random_vehicle(rng, "bicycle"), 1, points))
            actors.append(_actor(random_person(rng), 0, points, mount="bicycle", nearer=0.02))
            t += rng.uniform(4.0, 11.0)
    return actors


def _strollers(
    view: View,
    rng: np.random.Generator,
    duration_s: float,
    reach: float,
    band: tuple[float, float],
    gap: float,
) -> list[Actor]:
    actors: list[Actor] = []
    span = 2 * view.half_width(band[1]) * reach
    for heading in (-1, 1):
        t = -span / 1.1 + rng.uniform(0, gap)
        while t < duration_s:
            depth, speed = rng.uniform(*band), rng.uniform(0.95, 1.7)
            actors.append(_stroll(view, rng, t, depth, heading, speed, reach))
            if rng.random() < 0.25:
                beside = float(np.clip(depth + rng.choice([-0.6, 0.6]), *band))
                actors.append(
                    _stroll(view, rng, t + rng.uniform(0.1, 0.4), beside, heading, speed, reach, stops=False)
                )
            t += gap * 2 * rng.uniform(0.5, 1.5)
    return actors


def _stroll(
    view: View,
    rng: np.random.Generator,
    t: float,
    depth: float,
    heading: int,
    speed: float,
    reach: float,
    *,
    stops: bool = True,
) -> Actor:
    """Along the pavement; some stand for a while, some turn back."""
    edge = view.half_width(depth) * reach + 0.9
    start, end = -heading * edge, heading * edge
    points = [(t, start, depth)]
    habit = rng.random()
    if stops and habit < 0.3:
        x = rng.uniform(-0.7, 0.7) * edge
        arrival = t + abs(x - start) / speed
        leave = arrival + rng.uniform(1.5, 5.0)
        points += [(arrival, x, depth), (leave, x, depth)]
        if habit < 0.1:
            end = start
    last_t, last_x, _ = points[-1]
    points.append((last_t + abs(end - last_x) / speed, end, depth))
    return _actor(random_person(rng), 0, points)


def _crossers(view: View, rng: np.random.Generator, duration_s: float, reach: float) -> list[Actor]:
    """Walk to the zebra, cross when the vehicles have gone, and go on along the other pavement."""
    actors: list[Actor] = []
    near, far = street.NEAR_KERB - 0.7, street.FAR_KERB + 0.7
    for green in _greens(duration_s):
        for _ in range(int(rng.integers(1, 4))):
            speed = rng.uniform(1.55, 1.9)
            away = bool(rng.random() < 0.5)
            first, last = (near, far) if away else (far, near)
            x = view.crossing + rng.uniform(-1.3, 1.3)
            start = green + _GREEN_S + rng.uniform(0.7, 1.3)
            wait = start - rng.uniform(0.0, 2.5)
            side, to = int(rng.choice([-1, 1])), int(rng.choice([-1, 1]))
            from_x = side * (view.half_width(first) * reach + 0.9)
            to_x = to * (view.half_width(last) * reach + 0.9)
            over = start + (far - near) / speed
            points = [
                (wait - abs(from_x - x) / 1.35, from_x, first), (wait, x, first), (start, x, first),
                (over, x, last), (over + abs(to_x - x) / 1.35, to_x, last),
            ]  # fmt: skip
            if start - wait < 0.05:
                del points[1]
            actors.append(_actor(random_person(rng), 0, points))
    return actors
