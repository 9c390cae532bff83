"""What a tile says of its source."""

from __future__ import annotations

import pytest

from rtdet.types import SourceInfo
from rtdet.viewer.condition import Kind, condition_of
from rtdet.viewer.player import Phase, PlayerState, Rates

LIVE = SourceInfo("door", 640, 360, 15.0, None, None, is_live=True, is_seekable=False, detail="")
FILE = SourceInfo("street", 640, 360, 25.0, 100, 4.0, is_live=False, is_seekable=True, detail="")


@pytest.mark.parametrize(
    ("fields", "kind", "is_lost"),
    [
        ({"phase": Phase.EMPTY}, Kind.EMPTY, False),
        ({"phase": Phase.EMPTY, "loading": "Opening door…"}, Kind.OPENING, False),
        ({"phase": Phase.LOADING, "trouble": "refused"}, Kind.OPENING, True),
        ({"phase": Phase.EMPTY, "trouble": "refused"}, Kind.FAILED, True),
        ({"phase": Phase.ENDED, "trouble": "lost", "source_info": LIVE}, Kind.FAILED, True),
        ({"phase": Phase.ENDED, "source_info": FILE}, Kind.ENDED, False),
        ({"phase": Phase.PAUSED, "source_info": FILE}, Kind.PAUSED, False),
        ({"phase": Phase.PLAYING, "source_info": LIVE, "reconnecting": True, "trouble": "lost"},
         Kind.RECONNECTING, True),
        ({"phase": Phase.PLAYING, "source_info": LIVE, "rates": Rates(age_ms=40.0)}, Kind.PLAYING, False),
        ({"phase": Phase.PLAYING, "source_info": LIVE, "rates": Rates(age_ms=7000.0)}, Kind.FROZEN, True),
        ({"phase": Phase.PLAYING, "source_info": FILE, "rates": Rates(age_ms=7000.0)}, Kind.PLAYING, False),
    ],
)  # fmt: skip
def test_each_condition_has_a_word_and_what_is_lost_has_a_reason(fields, kind, is_lost) -> None:
    condition = condition_of(PlayerState(**fields))
    assert condition.kind is kind
    assert condition.word
    assert condition.is_lost is is_lost
    assert bool(condition.reason) is is_lost
