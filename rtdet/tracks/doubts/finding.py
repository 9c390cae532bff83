"""A place that is worth a look, and how it is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rtdet.types import FloatArray, IntArray

# Each kind of finding with its sentence: {a} and {b} are IDs, {x} and {y} what was measured.
KINDS = {
    "crossing": "IDs {a} and {b} overlap by {x:.0%}: each may be the other since",
    "duplicate": "IDs {a} and {b} overlap by {x:.0%} for {y:.1f} s: they may be one object",
    "continued": "ID {a} begins {x:.1f} s after ID {b} ended, where that was heading: they may be one object",
    "birth": "ID {a} begins inside the picture: it may be an object that was lost",
    "end": "ID {a} ends inside the picture, and no other ID begins there",
    "gap": "ID {a} was not seen for {x:.1f} s: it may be another object since",
    "jump": "ID {a} jumps by {x:.1f} times its size: it may be another object since",
    "class": "ID {a} is a {a_class} and becomes a {b_class}",
    "score": "The score of ID {a} falls to {x:.2f}, from {y:.2f} as usual: the box may be of something else",
}


@dataclass(frozen=True)
class Finding:
    """A place that is worth a look.

    kind: one of KINDS. frame: its number. time_s: its time as the frame list has it, NaN where there is none. ids:
    the one or two tracks. score: 0 to 1, how unsure the tracker was. text: a sentence for a person.
    """

    kind: str
    frame: int
    time_s: float
    ids: tuple[int, ...]
    score: float
    text: str


@dataclass(frozen=True, eq=False)
class Signs:
    """K findings of one kind as columns, each (K,): a row of the table, the ID of the other track or -1, the score,
    and what was measured."""

    kind: str
    rows: IntArray
    others: IntArray
    scores: FloatArray
    x: FloatArray
    y: FloatArray

    @classmethod
    def of(
        cls,
        kind: str,
        rows: IntArray,
        scores: FloatArray,
        *measured: FloatArray,
        others: IntArray | None = None,
    ) -> Signs:
        """The signs with what they have; those of a score of 0 are left out."""
        keep = np.flatnonzero(scores > 0)
        columns: Sequence[FloatArray] = [*measured, np.zeros(len(rows)), np.zeros(len(rows))][:2]
        partner = np.full(len(rows), -1) if others is None else others
        return cls(
            kind, rows[keep], partner[keep], np.minimum(scores[keep], 1.0), columns[0][keep], columns[1][keep]
        )
