"""Where each track was last seen: the beginnings of the steps that may cross something."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtdet.types import BoolArray, FloatArray, IntArray, Tracks

# A step is a jump, which is no way that anybody went, where it ends more than this many diagonals of the larger box
# both from where it began and from where the track was heading.
_JUMP = 2.0
# A track that has been seen once is heading nowhere yet; then a jump is farther.
_FIRST_JUMP = 4.0
# Of a track that has just begun; and how much one step tells of it that is worse or better than usual: who begins to
# tremble is soon known to.
_USUAL_JITTER, _LEARNING = 0.02, (0.3, 0.05)
_COLUMNS = (
    "_t", "_numbers", "_places", "_speeds", "_diagonals", "_sights", "_jitter", "_score_sums", "_score_counts",
    "_is_used", "_ids",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Steps:
    """The steps that tracks have made up to a frame at `t`.

    tracks: those of the frame (N). after, before (N, P, 2): where the P points of each are, and were when it was last
    seen; since (N,): when that was. scale (N,): the root of the area of its box; diagonals
    (N,) of it. rows: those that have made a step;
    born: those that have not; broken: IDs of those among the latter that have jumped there.
    """

    tracks: Tracks
    t: float
    number: int
    before: FloatArray
    after: FloatArray
    since: FloatArray
    scale: FloatArray
    diagonals: FloatArray
    rows: IntArray
    born: list[int]
    broken: list[int]


class Paths:
    """The last place of each track, its speed, its class by vote, and how well it scores.

    parts (P, 2): which points of a box are followed, as parts of its width and height.
    """

    def __init__(self, parts: FloatArray) -> None:
        self._parts = parts
        self._slot_of: dict[int, int] = {}
        self._free: list[int] = []
        self._votes: dict[int, dict[str, float]] = {}
        self._t = np.zeros(0)
        self._numbers = np.zeros(0, dtype=np.int64)
        self._places = np.zeros((0, len(parts), 2))
        self._speeds = np.zeros((0, 2))
        self._diagonals = np.zeros(0)
        self._sights = np.zeros(0, dtype=np.int64)
        self._jitter = np.zeros(0)
        self._score_sums, self._score_counts = np.zeros(0), np.zeros(0, dtype=np.int64)
        self._is_used = np.zeros(0, dtype=bool)
        self._ids = np.zeros(0, dtype=np.int64)
        self._newest_t: float | None = None
        self.usual_step_s = 0.0
        self.class_names: tuple[str, ...] = ()

    def __contains__(self, track_id: int) -> bool:
        return track_id in self._slot_of

    @property
    def ids(self) -> list[int]:
        return list(self._slot_of)

    def last_t(self, track_id: int) -> float:
        return float(self._t[self._slot_of[track_id]])

    def last_number(self, track_id: int) -> int:
        return int(self._numbers[self._slot_of[track_id]])

    def last_place(self, track_id: int) -> FloatArray:
        """(P, 2)"""
        return np.asarray(self._places[self._slot_of[track_id]])

    def mean_score(self, track_id: int) -> float:
        slot = self._slot_of[track_id]
        return float(self._score_sums[slot] / max(1, self._score_counts[slot]))

    def class_of(self, track_id: int) -> str:
        """The class that it had most often, weighted by score."""
        votes = self._votes[track_id]
        return max(votes, key=lambda name: votes[name])

    def older_than(self, t: float) -> list[int]:
        """The IDs of the tracks that were last seen before `t`."""
        return [int(one) for one in self._ids[self._is_used & (self._t < t)]]

    def forget(self, track_id: int) -> None:
        slot = self._slot_of.pop(track_id)
        self._is_used[slot] = False
        self._free.append(slot)
        del self._votes[track_id]

    def steps_to(self, tracks: Tracks, t: float, number: int) -> Steps:
        """The steps that lead to where the tracks are at `t`; nothing is changed until `take`."""
        boxes = tracks.boxes
        sizes = boxes[:, 2:] - boxes[:, :2]
        after = boxes[:, None, :2] + sizes[:, None] * self._parts
        ids = tracks.ids.tolist()
        slots = np.array([self._slot_of.get(one, -1) for one in ids], dtype=np.int64)
        is_known = slots >= 0
        before, since = after.copy(), np.full(len(ids), t)
        before[is_known], since[is_known] = self._places[slots[is_known]], self._t[slots[is_known]]
        diagonals = np.hypot(sizes[:, 0], sizes[:, 1])
        jumped = np.zeros(len(ids), dtype=bool)
        jumped[is_known] = self._jumps(
            slots[is_known], before[is_known], after[is_known], t - since[is_known], diagonals[is_known]
        )
        starts = ~is_known | jumped
        before[starts], since[starts] = after[starts], t
        return Steps(
            tracks, t, number, before, after, since, np.sqrt(np.clip(sizes, 0, None).prod(axis=1)), diagonals,
            np.flatnonzero(~starts), np.flatnonzero(starts).tolist(), [ids[i] for i in np.flatnonzero(jumped)],
        )  # fmt: skip

    def take(self, steps: Steps) -> None:
        """The tracks are where the steps lead from now on."""
        self._note_interval(steps.t)
        tracks = steps.tracks
        self.class_names = tuple(tracks.class_names) or self.class_names
        slots = np.array([self._slot(one) for one in tracks.ids.tolist()], dtype=np.int64)
        lasted = (steps.t - steps.since)[:, None]
        moved = (steps.after - steps.before).mean(axis=1) if len(slots) else np.zeros((0, 2))
        self._note_jitter(slots, steps, moved, lasted)
        speeds = np.divide(moved, lasted, out=np.zeros_like(moved), where=lasted > 0)
        self._speeds[slots] = np.where(lasted > 0, speeds, self._speeds[slots])
        self._sights[slots] = np.where(steps.since == steps.t, 0, self._sights[slots]) + 1
        self._score_sums[slots] += tracks.scores
        self._score_counts[slots] += 1
        self._places[slots], self._diagonals[slots] = steps.after, steps.diagonals
        self._t[slots], self._numbers[slots] = steps.t, steps.number
        self._vote(tracks)

    def _note_jitter(self, slots: IntArray, steps: Steps, moved: FloatArray, lasted: FloatArray) -> None:
        """Learns how far, in sizes of the box, a track is from where its last step would have led it."""
        astray = np.hypot(*(moved - self._speeds[slots] * lasted).T) / np.maximum(steps.scale, 1e-9)
        learns = (lasted[:, 0] > 0) & (self._sights[slots] > 1)
        more = np.minimum(astray, 1.0) - self._jitter[slots]
        self._jitter[slots] += np.where(learns, np.where(more > 0, *_LEARNING), 0.0) * more

    def jitter(self, track_id: int) -> float:
        """How far the track is from where its last step would have led it, in sizes of its box, on average."""
        return float(self._jitter[self._slot_of[track_id]])

    def _jumps(
        self,
        slots: IntArray,
        before: FloatArray,
        after: FloatArray,
        lasted: FloatArray,
        diagonals: FloatArray,
    ) -> BoolArray:
        """(N,) whether each step is a jump."""
        diagonal = np.maximum(diagonals, self._diagonals[slots])
        moved = (after - before).mean(axis=1) if len(slots) else np.zeros((0, 2))
        astray = moved - self._speeds[slots] * lasted[:, None]
        off = np.minimum(np.hypot(*moved.T), np.hypot(*astray.T))
        return np.asarray(off > np.where(self._sights[slots] > 1, _JUMP, _FIRST_JUMP) * diagonal)

    def _vote(self, tracks: Tracks) -> None:
        names = [tracks.name_of(i) for i in range(len(tracks))]
        for one, name, score in zip(tracks.ids.tolist(), names, tracks.scores.tolist(), strict=True):
            votes = self._votes.setdefault(one, {})
            votes[name] = votes.get(name, 0.0) + max(score, 1e-6)

    def _note_interval(self, t: float) -> None:
        """The usual time between two frames, as the newest ones have it."""
        if self._newest_t is not None and t > self._newest_t:
            step = t - self._newest_t
            self.usual_step_s = step if self.usual_step_s == 0 else 0.9 * self.usual_step_s + 0.1 * step
        self._newest_t = t

    def _slot(self, track_id: int) -> int:
        """The row of the track in the arrays; a new one begins from nothing."""
        slot = self._slot_of.get(track_id)
        if slot is not None:
            return slot
        if not self._free:
            self._grow()
        slot = self._slot_of[track_id] = self._free.pop()
        self._ids[slot], self._is_used[slot] = track_id, True
        self._sights[slot], self._speeds[slot], self._jitter[slot] = 0, 0.0, _USUAL_JITTER
        self._score_sums[slot], self._score_counts[slot] = 0.0, 0
        return slot

    def _grow(self) -> None:
        count = len(self._ids)
        more = max(64, count)
        self._free += range(count + more - 1, count - 1, -1)
        for name in _COLUMNS:
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.zeros((more, *column.shape[1:]), column.dtype)]))
