"""What a counter has counted, as the window shows it."""

from __future__ import annotations

from collections import Counter as Amounts
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from rtdet.class_groups import with_groups
from rtdet.counting import POINTS, Counter, Event, Line, Zone, Zones
from rtdet.counting.doubt import interval
from rtdet.counting.events import APPEARED, CROSSED, ENDED, ENTERED, LEFT
from rtdet.counting.outlines import Outlines
from rtdet.types import Tracks

# Who was not seen for so long may have gone.
_GONE_S = 1.0


def _certain() -> tuple[int, int]:
    return 0, 0


@dataclass(frozen=True)
class Amount:
    """How many, by class. interval: asked for the two numbers between which the true one is in 95 cases of a
    hundred, which takes a while for thousands."""

    by_class: Mapping[str, int] = field(default_factory=dict)
    interval: Callable[[], tuple[int, int]] = field(default=_certain, compare=False, repr=False)

    @property
    def total(self) -> int:
        return sum(self.by_class.values())


@dataclass(frozen=True)
class LineTally:
    """Who crossed a line, in the first of its directions and in the second."""

    first: Amount = Amount()
    second: Amount = Amount()


@dataclass(frozen=True)
class ZoneTally:
    """Who was in a zone: came in over its border, was first seen in it, went out; how long visits that are over
    lasted, in seconds on average and at most (None: none is over); and how many were in it at once."""

    entered: Amount = Amount()
    appeared: Amount = Amount()
    left: Amount = Amount()
    dwell_s: float | None = None
    longest_s: float | None = None
    most: int = 0


Tally = LineTally | ZoneTally
Tallies = Mapping[str, Tally]


class TallyBook:
    """Adds up a counter's events as they come."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._read = self._doubted = 0
        self._kinds: dict[tuple[str, str], _Kind] = {}
        self._visits: dict[str, _Visits] = {}

    def tallies(self) -> Tallies:
        """Those of all lines and zones, by name. No other thread may count meanwhile."""
        counter = self._counter
        for event in counter.events[self._read :]:
            self._kind(event).take(event)
            if not event.direction:
                self._visits.setdefault(event.name, _Visits()).take(event)
        for event in counter.doubtful[self._doubted :]:
            self._kind(event).doubt(event)
        self._read, self._doubted = len(counter.events), len(counter.doubtful)
        return {shape.name: self._tally(shape) for shape in counter.zones}

    def _kind(self, event: Event) -> _Kind:
        what = event.direction if event.kind == CROSSED else event.kind
        return self._kinds.setdefault((event.name, what), _Kind())

    def _amount(self, name: str, what: str) -> Amount:
        kind = self._kinds.get((name, what))
        return Amount() if kind is None else kind.amount()

    def _tally(self, shape: Line | Zone) -> Tally:
        if isinstance(shape, Line):
            return LineTally(*(self._amount(shape.name, one) for one in shape.directions))
        visits = self._visits.get(shape.name, _Visits())
        return ZoneTally(
            self._amount(shape.name, ENTERED), self._amount(shape.name, APPEARED), self._amount(shape.name, LEFT),
            visits.mean_s, visits.longest_s, visits.most,
        )  # fmt: skip


class _Kind:
    """Events of one kind at one place."""

    def __init__(self) -> None:
        self._by_class: Amounts[str] = Amounts()
        self._sure: list[float] = []
        self._doubtful: list[float] = []
        self._amount: Amount | None = None

    def take(self, event: Event) -> None:
        self._by_class[event.class_name] += 1
        self._sure.append(event.sure)
        self._amount = None

    def doubt(self, event: Event) -> None:
        self._doubtful.append(event.sure)
        self._amount = None

    def amount(self) -> Amount:
        if self._amount is None:
            self._amount = Amount(dict(self._by_class.most_common()), self._interval)
        return self._amount

    def _interval(self) -> tuple[int, int]:
        return interval(self._sure, self._doubtful)


class _Visits:
    """The visits to one zone."""

    def __init__(self) -> None:
        self._changes: list[tuple[float, int]] = []
        self._count, self._sum_s = 0, 0.0
        self.longest_s: float | None = None
        self._most: tuple[int, int] = (0, 0)

    def take(self, event: Event) -> None:
        self._changes.append((event.t, 1 if event.kind in (ENTERED, APPEARED) else -1))
        if event.kind in (LEFT, ENDED) and event.dwell_s is not None:
            self._count += 1
            self._sum_s += event.dwell_s
            self.longest_s = max(event.dwell_s, self.longest_s or 0.0)

    @property
    def mean_s(self) -> float | None:
        return self._sum_s / self._count if self._count else None

    @property
    def most(self) -> int:
        """Most at once. Events come when they are certain, which is not the order of their times."""
        known, most = self._most
        if known != len(self._changes):
            inside = np.cumsum([step for _, step in sorted(self._changes)])
            most = int(inside.max(initial=0))
            self._most = len(self._changes), most
        return most


def visitors(counter: Counter) -> dict[str, frozenset[int]]:
    """The IDs of the tracks that were in each zone, and of those that crossed each line, by name."""
    ids: dict[str, set[int]] = {shape.name: set() for shape in counter.zones}
    for event in counter.events:
        ids[event.name].add(event.track_id)
    return {name: frozenset(members) for name, members in ids.items()}


class Inside:
    """Who is in the zones of a picture."""

    def __init__(self, zones: Zones, size: tuple[int, int]) -> None:
        self.zones, self.size = zones, size
        self._outlines = Outlines(replace(zones, lines=()).in_pixels(size))
        kinds = [zone.point or zones.point for zone in self._outlines.shapes]
        self._parts = np.array([POINTS[kind] for kind in kinds]).reshape(-1, 2)

    def count(self, tracks: Tracks) -> dict[str, int]:
        """How many of the tracks are in each zone, by its name, of those that were seen lately."""
        shapes = self._outlines.shapes
        counts = dict.fromkeys((shape.name for shape in shapes), 0)
        if not shapes:
            return counts
        allowed = [frozenset(with_groups(one.classes, tracks.class_names)) for one in shapes]
        for row in np.flatnonzero(tracks.since_update_s <= _GONE_S).tolist():
            box, name = tracks.boxes[row], tracks.name_of(row)
            points = box[:2] + (box[2:] - box[:2]) * self._parts
            if not np.isfinite(points).all():
                continue
            for k in np.flatnonzero(self._outlines.contain(points)).tolist():
                counts[shapes[k].name] += not shapes[k].classes or name in allowed[k]
        return counts
