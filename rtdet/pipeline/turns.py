"""Whose pictures a shared detector looks at next: in turns, so that nobody starves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# Whoever got an answer so recently is about to ask again: one that is ahead does not fill its place meanwhile.
_ABOUT_TO_ASK_S = 0.25


@dataclass(eq=False)
class Place:
    """Somebody's place in the queue for a detector.

    waiting: pictures that it waits with. is_bulk: it asks with several pictures at a time, as a file does of which
    every frame counts; else each of its pictures is the newest there is. lead: how many pictures it was served; who
    joins late begins near the others' number. answered_at: when its last picture was.
    """

    waiting: int = 0
    is_bulk: bool = False
    lead: int = 0
    answered_at: float = float("-inf")


class Turns:
    """Fair queueing by pictures, after start-time fair queueing (Goyal, Vin and Cheng, 1996): who was served least
    comes first, and who asks for nothing cannot save up more than a turn. `room`: the most pictures at once."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._saved = max(1, room // 2)
        self._least = 0  # the lead of whoever was served least, of those who waited at the last choice

    def join(self, place: Place, count: int) -> None:
        """`place` asks with `count` pictures."""
        place.lead = max(place.lead, self._least - self._saved)
        place.waiting, place.is_bulk = count, count > 1

    def choose(self, places: Sequence[Place], now: float) -> list[tuple[Place, int]]:
        """The places that are served next, each with a number of pictures; their counts are brought up to date.
        Empty where nobody waits.

        Where everybody asks in bulk a turn is half the room: answers then come at different times, and while some
        work on theirs the detector works for the others. Else a turn is one picture, and nobody gets two: somebody
        whose picture is the newest waits for one picture of each of the others at most. Who is more than a turn ahead
        waits: it was served while others were at work on their last answer.
        """
        waiting = sorted((one for one in places if one.waiting), key=lambda one: one.lead)
        if not waiting:
            return []
        self._least = max(self._least, waiting[0].lead)
        active = [one for one in places if one.waiting or now - one.answered_at < _ABOUT_TO_ASK_S]
        is_bulk = all(one.is_bulk for one in active)
        turn = max(1, self._room // 2) if is_bulk else 1
        most_ahead = min(one.lead for one in waiting) + turn
        taken = {one: 0 for one in waiting if one.lead <= most_ahead}
        room = self._room
        for place in taken:
            ahead = place.lead - min(one.lead for one in active)
            room -= _take(taken, place, min(max(turn - ahead, 1), turn, room))
        if is_bulk:
            for place in taken:
                if len(active) == 1 or place.lead < most_ahead:
                    room -= _take(taken, place, room)
        return [(place, count) for place, count in taken.items() if count]


def _take(taken: dict[Place, int], place: Place, most: int) -> int:
    count = min(place.waiting, most)
    taken[place] += count
    place.waiting -= count
    place.lead += count
    return count
