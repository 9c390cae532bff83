"""Which frames of a film a run looked at: where something is hidden, all others must not be shown."""

from __future__ import annotations

import numpy as np

from rtdet.rendering.hiding import LONGEST_GAP_S
from rtdet.tracks.table import FrameList
from rtdet.types import IntArray

_MOST_NAMED = 3


class LookedAt:
    """The frames that a run looked at, by their numbers from 1, and what became of the others while a film was made.

    Frames before the first and after the last of them are left out. In between, tracks are hidden also where they are
    guesses; but in a gap longer than LONGEST_GAP_S nobody knows who came, and `is_unknown` says so. numbers (N,)
    rising. listed: the table's frames, for their times; fps of the film. is_certain: the others were not looked at; a
    file that lists no empty frames does not tell.
    """

    def __init__(
        self, numbers: IntArray, listed: FrameList, fps: float, *, is_certain: bool, path: str = ""
    ) -> None:
        self.first, self.last = (int(numbers[0]), int(numbers[-1])) if len(numbers) else (1, 0)
        self._why = "were not looked at" if is_certain else f"are not in {path}: nobody knows who is in them"
        self._gaps = _gaps(numbers, listed, fps)
        self._starts = np.array([start for start, _ in self._gaps], np.int64)
        self._left_from: int | None = None
        self._left_to: int | None = None
        self._met: set[int] = set()

    def is_before(self, number: int) -> bool:
        """Whether the frame is left out because it comes before all that was looked at."""
        if number >= self.first:
            return False
        self._left_from = number if self._left_from is None else min(self._left_from, number)
        return True

    def is_after(self, number: int, frame_count: int | None = None) -> bool:
        """Whether the frame comes after all that was looked at, and with it those to the film's `frame_count`."""
        if number <= self.last:
            return False
        self._left_to = max(number, frame_count or 0, self._left_to or 0)
        return True

    def is_unknown(self, number: int) -> bool:
        """Whether the frame is in a gap that is too long to guess what is in it."""
        place = int(np.searchsorted(self._starts, number, side="right")) - 1
        is_in = place >= 0 and number <= self._gaps[place][1]
        if is_in:
            self._met.add(place)
        return is_in

    def lines(self) -> list[str]:
        """What is said of the frames met so far that are left out, and of those whose whole picture is hidden."""
        left = []
        if self._left_from is not None:
            left.append((self._left_from, self.first - 1))
        if self._left_to is not None:
            left.append((self.last + 1, self._left_to))
        hidden = [self._gaps[place] for place in sorted(self._met)]
        return [
            f"{_named(parts)} {self._why}{' and' if self._why.startswith('were') else ', so they'} are {what}"
            for parts, what in ((left, "left out"), (hidden, "hidden as a whole"))
            if parts
        ]


def _gaps(numbers: IntArray, listed: FrameList, fps: float) -> list[tuple[int, int]]:
    """The first and last number of each gap that is too long, by the frames' times or by their numbers."""
    if len(numbers) < 2:
        return []
    times = (
        np.interp(numbers, listed.numbers, listed.times_s) if len(listed) else np.full(len(numbers), np.nan)
    )
    steps = np.fmax(np.diff(times), np.diff(numbers) / fps)
    places = np.flatnonzero((np.diff(numbers) > 1) & (steps > LONGEST_GAP_S))
    return [(int(numbers[place]) + 1, int(numbers[place + 1]) - 1) for place in places]


def _named(parts: list[tuple[int, int]]) -> str:
    some = [f"{first} to {last}" if last > first else str(first) for first, last in parts[:_MOST_NAMED]]
    rest = f" and {len(parts) - _MOST_NAMED} more parts" if len(parts) > _MOST_NAMED else ""
    return f"frames {' and '.join(some)}{rest}"
