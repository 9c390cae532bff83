"""What of finished tracks is worth a look: likely ID switches, splits and merges, the least sure first.

find_doubts(table) gives `Finding`s. A tracker errs where it had a choice, and most of these places can be seen in the
tracks themselves: `meetings.py` looks at pairs of tracks that overlap, `ends.py` at where tracks begin and end, and
`courses.py` along each track. Each has few signs that one can explain, with scores from 0 to 1; benchmarks/doubts.py
measures how many ID switches the first of the list hold.
"""

from __future__ import annotations

from rtdet.tracks.doubts.finding import KINDS, Finding
from rtdet.tracks.doubts.ranking import find_doubts

__all__ = ["KINDS", "Finding", "find_doubts"]
