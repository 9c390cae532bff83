"""Who is on the street, where, and when."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from operator import itemgetter

import numpy as np

from rtdet.demo import view as depths
from rtdet.demo.vehicles import Vehicle, random_vehicle
from rtdet.demo.view import View
from rtdet.demo.wardrobe import Person, random_person
from rtdet.types import FloatArray

CLASS_NAMES = ("person", "bicycle", "car", "motorcycle", "bus", "truck")

# A traffic light up the road lets vehicles through in the first part of each period; then people cross.
_PERIOD_S, _GREEN_S, _FIRST_GREEN_S = 16.0, 7.6, -2.5
_STREET = -1
_LABELS = {"sedan": 2, "hatch": 2, "suv": 2, "van": 2, "bicycle": 1, "motorcycle": 3, "bus": 4, "truck": 5}
_CHANCES = {
    "sedan": 0.24,
    "hatch": 0.22,
    "suv": 0.16,
    "van": 0.1,
    "motorcycle": 0.1,
    "bus": 0.08,
    "truck": 0.1,
}

WayPoint = tuple[float, float, float]
"""seconds, x metres, depth metres"""


@dataclass(frozen=True)
class Fixture:
    """A thing that stands on the near pavement in front of the traffic: a lamp, a sign, a bin."""

    kind: str


@dataclass(frozen=True, eq=False)
class Actor:
    """One object, which moves straight between way points.

    `label` of CLASS_NAMES, or -1 for a part of the street; `mount` is what a rider sits on; `nearer` is
    added to the drawing order, so that a rider is drawn over what is ridden.
    """

    look: Person | Vehicle | Fixture
    label: int
    way: list[WayPoint]
    mount: str = ""
    nearer: float = 0.0
    times: FloatArray = field(init=False)
    xs: FloatArray = field(init=False)
    depths: FloatArray = field(init=False)
    walked: FloatArray = field(init=False)
    keeps_depth: bool = field(init=False)

    def __post_init__(self) -> None:
        times, xs, depth = np.asarray(self.way, dtype=np.float64).T
        steps = np.hypot(np.diff(xs), np.diff(depth))
        walked = np.concatenate([[0.0], np.cumsum(steps)])
        columns = {"times": times, "xs": xs, "depths": depth, "walked": walked}
        for name, value in {**columns, "keeps_depth": bool(np.ptp(depth) == 0)}.items():
            object.__setattr__(self, name, value)

    def at(self, t: float) -> tuple[float, float, float, float, float]:
        """(x, depth, distance so far, x speed, depth speed) at that time, in metres and seconds."""
        k = min(max(bisect_right(self.way, t, key=itemgetter(0)) - 1, 0), len(self.way) - 2)
        (t0, x0, z0), (t1, x1, z1) = self.way[k], self.way[k + 1]
        part = (t - t0) / (t1 - t0)
        walked = float(self.walked[k] + part * (self.walked[k + 1] - self.walked[k]))
        dx, dz = x1 - x0, z1 - z0
        return x0 + part * dx, z0 + part * dz, walked, dx / (t1 - t0), dz / (t1 - t0)


@dataclass(frozen=True)
class _Plan:
    """What the streams of traffic share. `reach` times the picture's width is looked at (moving camera)."""

    view: View
    rng: np.random.Generator
    duration_s: float
    reach: float

    def edge(self, depth: float, half_length: float) -> float:
        """The x at which something of that size is just outside."""
        return self.view.half_width(depth) * self.reach + half_length

    def greens(self) -> list[float]:
        """When vehicles reach the crossing first, in each period from well before the start."""
        return [
            float(k) * _PERIOD_S + _FIRST_GREEN_S for k in range(-2, int(self.duration_s / _PERIOD_S) + 2)
        ]

    def through(
        self, t: float, depth: float, heading: int, speed: float, half_length: float
    ) -> list[WayPoint]:
        """The way along a lane of something whose front reaches the crossing at `t`."""
        edge = self.edge(depth, half_length)
        middle = t + half_length / speed
        here = self.view.crossing * heading
        return [
            (middle - (here + edge) / speed, -heading * edge, depth),
            (middle + (edge - here) / speed, heading * edge, depth),
        ]


def plan_traffic(view: View, rng: np.random.Generator, duration_s: float, reach: float) -> list[Actor]:
    """Everyone who is seen at some moment from 0 to `duration_s`, in the order of their coming."""
    plan = _Plan(view, rng, duration_s, reach)
    actors: list[Actor] = []
    for depth, heading in ((depths.NEAR_LANE, 1), (depths.FAR_LANE, -1)):
        actors += _vehicles(plan, depth, heading, rng.uniform(6.0, 8.0))
    for depth, heading in ((depths.NEAR_CYCLES, 1), (depths.FAR_CYCLES, -1)):
        actors += _cyclists(plan, depth, heading)
    actors += _strollers(plan, (10.9, depths.NEAR_KERB - 0.5), 11.5)
    actors += _strollers(plan, (depths.FAR_KERB + 0.6, depths.FACADE - 1.6), 15.0)
    actors += _crossers(plan)
    seen = [actor for actor in actors if actor.times[-1] > 0 and actor.times[0] < duration_s]
    seen.sort(key=lambda actor: (float(actor.times[0]), actor.label))
    return seen + _fixtures(plan)


def _vehicles(plan: _Plan, depth: float, heading: int, speed: float) -> list[Actor]:
    rng = plan.rng
    actors: list[Actor] = []
    kinds, chances = list(_CHANCES), list(_CHANCES.values())
    for number, green in enumerate(plan.greens()):
        t = green + rng.uniform(0.0, 1.2)
        # So that one comes before long: each lane has a bus or a truck in every second period.
        big = ("bus" if (number + heading) % 4 == 0 else "truck") if number % 2 == int(heading > 0) else ""
        while t < green + _GREEN_S:
            kind = str(rng.choice(kinds, p=chances))
            if big and t > green + 1.5:
                kind, big = big, ""
            vehicle = random_vehicle(rng, kind)
            way = plan.through(t, depth + rng.uniform(-0.25, 0.25), heading, speed, vehicle.length / 2 + 0.5)
            actors.append(Actor(vehicle, _LABELS[kind], way))
            if kind == "motorcycle":
                actors.append(Actor(random_person(rng), 0, way, mount=kind, nearer=0.02))
            t += (vehicle.length + rng.uniform(4.0, 22.0)) / speed
    return actors


def _cyclists(plan: _Plan, depth: float, heading: int) -> list[Actor]:
    rng = plan.rng
    actors: list[Actor] = []
    for green in plan.greens():
        speed, t = rng.uniform(3.4, 4.6), green + rng.uniform(0.6, 4.0)
        while t < green + _GREEN_S:
            way = plan.through(t, depth + rng.uniform(-0.2, 0.2), heading, speed, 1.2)
            actors.append(Actor(random_vehicle(rng, "bicycle"), 1, way))
            actors.append(Actor(random_person(rng), 0, way, mount="bicycle", nearer=0.02))
            t += rng.uniform(4.0, 11.0)
    return actors


def _strollers(plan: _Plan, band: tuple[float, float], gap_s: float) -> list[Actor]:
    """People on the pavement between two depths, both ways, one each `gap_s`; some in pairs."""
    rng = plan.rng
    actors: list[Actor] = []
    for heading in (-1, 1):
        t = -2 * plan.edge(band[1], 0.9) / 0.95 + rng.uniform(0, gap_s)
        while t < plan.duration_s:
            depth, speed = rng.uniform(*band), rng.uniform(0.95, 1.7)
            is_pair = rng.random() < 0.25
            actors.append(_stroller(plan, t, depth, heading, speed, stops=not is_pair))
            if is_pair:
                beside = depth + 0.6 if depth + 0.6 < band[1] else depth - 0.6
                actors.append(_stroller(plan, t + rng.uniform(0.1, 0.4), beside, heading, speed, stops=False))
            t += gap_s * 2 * rng.uniform(0.5, 1.5)
    return actors


def _stroller(plan: _Plan, t: float, depth: float, heading: int, speed: float, *, stops: bool) -> Actor:
    """Along the pavement; some stand for a while, and some of those turn back."""
    rng, edge = plan.rng, plan.edge(depth, 0.9)
    start, end = -heading * edge, heading * edge
    way = [(t, start, depth)]
    habit = rng.random()
    if stops and habit < 0.3:
        x = rng.uniform(-0.7, 0.7) * edge
        arrival = t + abs(x - start) / speed
        way += [(arrival, x, depth), (arrival + rng.uniform(1.5, 5.0), x, depth)]
        end = start if habit < 0.1 else end
    last_t, last_x, _ = way[-1]
    way.append((last_t + abs(end - last_x) / speed, end, depth))
    return Actor(random_person(rng), 0, way)


def _crossers(plan: _Plan) -> list[Actor]:
    """They walk to the zebra, cross when the vehicles have gone, and go on along the other pavement."""
    actors: list[Actor] = []
    for green in plan.greens():
        for _ in range(int(plan.rng.integers(1, 4))):
            actors.append(_crosser(plan, green + _GREEN_S))
    return actors


def _crosser(plan: _Plan, red: float) -> Actor:
    rng = plan.rng
    ends = [depths.NEAR_KERB - 0.7, depths.FAR_KERB + 0.7]
    first, last = ends if rng.random() < 0.5 else ends[::-1]
    x, speed = plan.view.crossing + rng.uniform(-1.3, 1.3), rng.uniform(1.55, 1.9)
    start = red + rng.uniform(0.7, 1.3)
    arrival, over = start - rng.uniform(0.1, 2.5), start + abs(last - first) / speed
    from_x = float(rng.choice([-1, 1])) * plan.edge(first, 0.9)
    to_x = float(rng.choice([-1, 1])) * plan.edge(last, 0.9)
    way = [
        (arrival - abs(from_x - x) / 1.35, from_x, first), (arrival, x, first), (start, x, first),
        (over, x, last), (over + abs(to_x - x) / 1.35, to_x, last),
    ]  # fmt: skip
    return Actor(random_person(rng), 0, way)


def _fixtures(plan: _Plan) -> list[Actor]:
    """A sign at the zebra, a lamp and a bin; they hide those who pass behind them."""
    rng, crossing = plan.rng, plan.view.crossing
    depth = depths.NEAR_KERB - 0.35
    half = plan.edge(depth, 0.0)
    places = [("sign", crossing + float(rng.choice([-2.6, 2.6])))]
    for kind in ("lamp", "bin"):
        x = rng.uniform(-half, half)
        if min(abs(x - crossing), *(abs(x - place) for _, place in places)) > 2.3:
            places.append((kind, x))
    times = (-1.0, plan.duration_s + 1)
    return [Actor(Fixture(kind), _STREET, [(t, x, depth) for t in times]) for kind, x in places]
