"""Counts who crosses lines and who is in zones, frame by frame, on the tracks' paths in true time."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from rtdet.class_groups import with_groups
from rtdet.counting.doubt import sureness, tie_of
from rtdet.counting.events import APPEARED, CROSSED, ENDED, ENTERED, LEFT, Event
from rtdet.counting.outlines import Outlines
from rtdet.counting.paths import Paths, Steps
from rtdet.counting.zones import POINTS, Line, Zone, Zones
from rtdet.types import FloatArray, Tracks

log = logging.getLogger("rtdet.counting")

# Half of the width of the band around a line in which a track may flicker, in sizes of its box (the root of its
# area): at most; and so many times as far as the track usually is from where its last step would have led it, but at
# least a little. The steadier a track is, the nearer to the line it is certain.
HYSTERESIS = 0.15
_JITTERS, _LEAST = 3, 0.08
# Who goes along the line, this many bands from where they met, has not just flickered there either.
_ALONG = 1.5
# A track that was not seen for so long is over; what comes back under its ID is as if it were new.
PATIENCE_S = 5.0
# Somebody inside a zone who was not seen for so long is no longer counted as there now.
_GONE_S = 1.0


@dataclass(slots=True)
class _Met:
    """A path has met an outline, and is not yet beyond the band around it."""

    last: dict[int, tuple[float, float, float]] = field(default_factory=dict)  # by sign: t, x, y
    net: int = 0
    times: int = 0
    sure: float = 1.0


@dataclass(frozen=True, slots=True)
class _Visit:
    since: float
    sure: float


class Counter:
    """Counts at the lines and zones of one picture size; `update` takes every frame in order.

    A crossing counts, with the time at which the path met the line, once the track has got beyond a band around the
    line, up to `hysteresis` sizes of its box to each side, on another side than before: who flickers on the line, or
    turns back, crosses once or not at all. Who ends in the band has crossed only if it met the line but once. A path
    is straight between two frames in which the track was seen; where a tracker only predicts a box (`since_update_s`
    above 0) nothing is counted. Around the end of a line is no crossing, nor is a jump that breaks off the path: to
    beyond two diagonals of the box from where it was and from where it was heading. Who is first seen in a zone has
    appeared there, not entered.

    events: all that has happened, in the order in which it was certain. doubtful: what would have been events if it
    had been clear, for the counts' intervals. If time runs backwards (somebody seeks) all paths begin anew, and the
    counts stay.
    """

    def __init__(
        self,
        zones: Zones,
        size: tuple[int, int],
        *,
        hysteresis: float = HYSTERESIS,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.zones = zones
        self.events: list[Event] = []
        self.doubtful: list[Event] = []
        self._hysteresis, self._patience_s = hysteresis, patience_s
        self._lay_out(size)
        self._counts: dict[tuple[str, str], int] = {}
        self._t = -math.inf
        self._allowed: dict[tuple[str, ...], list[frozenset[str] | None]] = {}

    def _lay_out(self, size: tuple[int, int]) -> None:
        self.size = size
        self.outlines = Outlines(self.zones.in_pixels(size))
        points = [one.point or self.zones.point for one in self.outlines.shapes]
        self._kinds = list(dict.fromkeys(points)) or ["feet"]
        self._kind_of = np.array([self._kinds.index(one) for one in points], dtype=np.int64)
        self._paths = Paths(np.array([POINTS[kind] for kind in self._kinds]))
        self._met: dict[tuple[int, int], _Met] = {}
        self._visits: dict[tuple[int, int], _Visit] = {}

    def resize(self, size: tuple[int, int]) -> list[Event]:
        """The pictures have another size from now on, so that paths begin anew."""
        ended = self.finish()
        self._lay_out(size)
        return ended

    def update(self, tracks: Tracks, t: float, number: int) -> list[Event]:
        """Takes the confirmed tracks of a frame at `t` seconds, whose number from 1 is `number`; returns what has
        become certain with it. Tracks without an ID (0, more than one) are left out."""
        if not math.isfinite(t):
            raise ValueError("a frame without a time cannot be counted")
        before = len(self.events)
        if t < self._t:
            self.finish()
        self._t = t
        self._end(self._paths.older_than(t - self._patience_s))
        steps = self._paths.steps_to(_countable(tracks), t, number)
        for track_id in steps.broken:
            self._close(track_id)
        self._paths.take(steps)
        for row in steps.born:
            self._begin(steps, row)
        if len(steps.rows):
            self._follow(steps)
        return self.events[before:]

    def finish(self, ids: Iterable[int] | None = None) -> list[Event]:
        """These tracks, or all, are over; returns the events that this makes."""
        before = len(self.events)
        self._end(self._paths.ids if ids is None else [one for one in ids if one in self._paths])
        return self.events[before:]

    # What can be read at any time

    def count(self, name: str, what: str) -> int:
        """How often it happened: `what` is a direction of the line, or a kind of event of the zone."""
        return self._counts.get((name, what), 0)

    def inside(self, name: str) -> int:
        """How many are in the zone now."""
        k = next(k for k, one in enumerate(self.outlines.shapes) if one.name == name)
        recent = self._t - _GONE_S
        return sum(1 for i, of in self._visits if of == k and self._paths.last_t(i) >= recent)

    def inside_counts(self) -> dict[str, int]:
        """How many are in each zone now, by its name."""
        counts = [0] * len(self.outlines)
        for track_id, k in self._visits:
            counts[k] += self._paths.last_t(track_id) >= self._t - _GONE_S
        return {zone.name: counts[len(self.zones.lines) + i] for i, zone in enumerate(self.zones.zones)}

    # Inside

    def _begin(self, steps: Steps, row: int) -> None:
        track_id, place = int(steps.tracks.ids[row]), steps.after[row][self._kind_of]
        for k in np.flatnonzero(self.outlines.contain(place)).tolist():
            sure = self._sure(steps, row, 1.0)
            if self._note(APPEARED, k, track_id, (steps.t, *place[k]), steps.number, sure):
                self._visits[track_id, k] = _Visit(steps.t, sure)

    def _follow(self, steps: Steps) -> None:
        before, after = steps.before[:, self._kind_of], steps.after[:, self._kind_of]
        rows = steps.rows
        found = self.outlines.crossings(before[rows], after[rows])
        cut: dict[tuple[int, int], list[tuple[float, int]]] = {}
        for i, k, part, sign in zip(
            rows[found.steps].tolist(), found.outlines.tolist(), found.parts.tolist(), found.signs.tolist(),
            strict=True,
        ):  # fmt: skip
            cut.setdefault((i, k), []).append((part, sign))
        row_of = {int(steps.tracks.ids[i]): i for i in rows.tolist()}
        waiting = [(row_of[one], k) for one, k in self._met if one in row_of]
        for i, k in [*cut, *(pair for pair in waiting if pair not in cut)]:
            self._walk(steps, i, k, cut.get((i, k), []), before[i, k], after[i, k])

    def _walk(
        self, steps: Steps, row: int, k: int, cuts: list[tuple[float, int]], a: FloatArray, b: FloatArray
    ) -> None:
        """The step of one track from a to b, which meets outline k at `cuts` (how far along, to which side)."""
        key = int(steps.tracks.ids[row]), k
        share = min(max(_JITTERS * self._paths.jitter(key[0]), _LEAST), self._hysteresis)
        band = min(share * steps.scale[row], 0.5 * self.outlines.narrowness[k])
        met = self._met.get(key)
        if met is None:
            met = self._met[key] = _Met()
        since, lasts = float(steps.since[row]), steps.t - float(steps.since[row])
        if cuts:
            met.sure = min(met.sure, self._sure(steps, row, tie_of(steps.tracks.boxes, row)))
        for i, (part, sign) in enumerate(cuts):
            x, y = a + part * (b - a)
            met.net += sign
            met.times += 1
            met.last[sign] = since + part * lasts, float(x), float(y)
            until = 1.0 if i + 1 == len(cuts) else (part + cuts[i + 1][0]) / 2
            if self._is_beyond(k, a + until * (b - a), band, met):
                self._settle(key, met, a + until * (b - a), steps.number, since + until * lasts)
        if not cuts and self._is_beyond(k, b, band, met):
            self._settle(key, met, b, steps.number, steps.t)

    def _is_beyond(self, k: int, place: FloatArray, band: float, met: _Met) -> bool:
        """Whether the track is clear of the outline: away from it, or far along it from where they last met."""
        _, x, y = max(met.last.values(), key=lambda one: one[0])
        is_along = math.hypot(place[0] - x, place[1] - y) > _ALONG * band
        return is_along or self.outlines.distance(k, place) > band

    def _settle(self, key: tuple[int, int], met: _Met, place: FloatArray, number: int, t: float) -> None:
        """The track is clear of the outline: whatever it did there counts at most once."""
        k = key[1]
        if self.outlines.is_zone[k]:
            is_inside = self.outlines.contains(k, place)
            sign = 0 if is_inside == (key in self._visits) else 1 if is_inside else -1
        else:
            sign = int(np.sign(met.net))
        if sign:
            where = met.last.get(sign, (t, float(place[0]), float(place[1])))
            self._cross(key, sign, where, number, met.sure)
        elif len(met.last) > 1:
            self._doubt(key, met, number)
        met.net, met.times, met.last, met.sure = 0, 0, {}, 1.0
        self._met.pop(key, None)

    def _cross(
        self, key: tuple[int, int], sign: int, where: tuple[float, float, float], number: int, sure: float
    ) -> None:
        track_id, k = key
        if not self.outlines.is_zone[k]:
            self._note(CROSSED, k, track_id, where, number, sure, sign=sign)
        elif sign > 0:
            if self._note(ENTERED, k, track_id, where, number, sure):
                self._visits[key] = _Visit(where[0], sure)
        else:
            visit = self._visits.pop(key)
            self._note(
                LEFT, k, track_id, where, number, sure, dwell_s=max(0.0, where[0] - visit.since), asks=False
            )

    def _note(
        self,
        kind: str,
        k: int,
        track_id: int,
        where: tuple[float, float, float],
        number: int,
        sure: float,
        *,
        sign: int = 0,
        dwell_s: float | None = None,
        asks: bool = True,
    ) -> bool:
        """Keeps the event, unless `asks` and the track's class does not count there."""
        class_name = self._paths.class_of(track_id)
        if asks and not self._counts_here(k, class_name):
            return False
        shape = self.outlines.shapes[k]
        direction = shape.directions[0 if sign > 0 else 1] if isinstance(shape, Line) else ""
        t, x, y = where
        self.events.append(
            Event(kind, shape.name, direction, track_id, class_name, t, number, x, y, sure, dwell_s)
        )
        what = shape.name, direction or kind
        self._counts[what] = self._counts.get(what, 0) + 1
        return True

    def _doubt(self, key: tuple[int, int], met: _Met, number: int) -> None:
        """What was nearly an event: it counts in the interval only."""
        track_id, k = key
        shape, class_name = self.outlines.shapes[k], self._paths.class_of(track_id)
        if not met.last or not self._counts_here(k, class_name):
            return
        sign = max(met.last, key=lambda one: met.last[one][0])
        t, x, y = met.last[sign]
        direction = shape.directions[0 if sign > 0 else 1] if isinstance(shape, Line) else ""
        kind = CROSSED if direction else ENTERED if sign > 0 else LEFT
        self.doubtful.append(
            Event(kind, shape.name, direction, track_id, class_name, t, number, x, y, 0.5 * met.sure)
        )

    def _end(self, ids: Iterable[int]) -> None:
        for track_id in list(ids):
            self._close(track_id)
            self._paths.forget(track_id)

    def _close(self, track_id: int) -> None:
        """The path of the track is over: its visits end where it was last seen."""
        number = self._paths.last_number(track_id)
        for key in [key for key in self._met if key[0] == track_id]:
            met = self._met[key]
            if met.times == 1:  # it went over and was gone; who flickered there is in doubt
                place = self._paths.last_place(track_id)[self._kind_of[key[1]]]
                self._settle(key, met, place, number, self._paths.last_t(track_id))
            else:
                self._doubt(key, self._met.pop(key), number)
        for key in [key for key in self._visits if key[0] == track_id]:
            visit, t = self._visits.pop(key), self._paths.last_t(track_id)
            x, y = self._paths.last_place(track_id)[self._kind_of[key[1]]].tolist()
            self._note(
                ENDED, key[1], track_id, (t, x, y), number, visit.sure, dwell_s=max(0.0, t - visit.since), asks=False
            )  # fmt: skip

    def _sure(self, steps: Steps, row: int, tie: float) -> float:
        gap_s = max(0.0, steps.t - float(steps.since[row]) - 2 * self._paths.usual_step_s)
        return sureness(self._paths.mean_score(int(steps.tracks.ids[row])), gap_s, tie)

    def _counts_here(self, k: int, class_name: str) -> bool:
        names = self._paths.class_names
        if names not in self._allowed:
            self._allowed[names] = [_allowed(one, names) for one in self.outlines.shapes]
        allowed = self._allowed[names][k]
        return allowed is None or class_name in allowed


def _allowed(shape: Line | Zone, names: tuple[str, ...]) -> frozenset[str] | None:
    """The classes that count there, None for all; warns where it is none of those that there are."""
    if not shape.classes:
        return None
    allowed = frozenset(with_groups(shape.classes, names))
    if not (allowed.intersection(names) if names else any(name.isdecimal() for name in allowed)):
        log.warning(
            "nothing counts at %r, which is for %s only: %s",
            shape.name, ", ".join(shape.classes),
            f"the classes here are {', '.join(names[:10])}" if names else "these tracks have no class names",
        )  # fmt: skip
    return allowed


def _countable(tracks: Tracks) -> Tracks:
    """Those that were seen in this very frame, have an ID of their own and a box."""
    seen = tracks.values.get("seen")
    is_seen = tracks.since_update_s == 0 if seen is None else np.asarray(seen, dtype=bool)
    keep = is_seen & np.isfinite(tracks.boxes).all(axis=1)
    _, places, counts = np.unique(tracks.ids, return_inverse=True, return_counts=True)
    keep &= (counts[places] == 1) & (tracks.ids >= 0)
    return tracks if keep.all() else tracks[keep]
