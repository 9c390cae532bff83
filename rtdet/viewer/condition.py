"""How a source is, in a word and a line: what its tile says."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from rtdet.viewer.player import Phase, PlayerState

# A live picture that stands for so long is frozen: a camera may stop sending without closing the connection.
FROZEN_MS = 3000.0


class Kind(Enum):
    EMPTY = "empty"
    OPENING = "opening"
    PLAYING = "playing"
    PAUSED = "paused"
    FROZEN = "frozen"
    RECONNECTING = "reconnecting"
    ENDED = "ended"
    FAILED = "failed"


class Condition(NamedTuple):
    """word: for the bar of a tile. reason: why it does not play, a line; "" where nothing is wrong."""

    kind: Kind
    word: str
    reason: str = ""

    @property
    def is_lost(self) -> bool:
        """Whether the picture on screen, if there is one, is not what can be seen there now."""
        tries_again = self.kind is Kind.OPENING and bool(self.reason)
        return tries_again or self.kind in (Kind.FROZEN, Kind.RECONNECTING, Kind.FAILED)


def condition_of(player: PlayerState) -> Condition:
    """The condition of a source as its state says it."""
    phase = player.phase
    if phase is Phase.LOADING or (phase is Phase.EMPTY and player.loading):
        return Condition(Kind.OPENING, "Opening", player.trouble)
    if player.trouble and phase in (Phase.EMPTY, Phase.ENDED):
        return Condition(Kind.FAILED, "Lost" if player.is_open else "Not open", player.trouble)
    if player.reconnecting:
        return Condition(Kind.RECONNECTING, "Reconnecting", player.trouble)
    if phase is Phase.PAUSED:
        return Condition(Kind.PAUSED, "Paused")
    if phase is Phase.ENDED:
        return Condition(Kind.ENDED, "Ended")
    if phase is Phase.EMPTY:
        return Condition(Kind.EMPTY, "Nothing is open")
    info, age_ms = player.source_info, player.rates.age_ms
    if info is not None and info.is_live and age_ms is not None and age_ms >= FROZEN_MS:
        return Condition(Kind.FROZEN, "No picture", f"No new picture for {age_ms / 1000:.0f} s")
    return Condition(Kind.PLAYING, "Playing")
