"""All findings of a table in one list."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from rtdet.tracks.doubts.courses import courses
from rtdet.tracks.doubts.ends import ends
from rtdet.tracks.doubts.finding import KINDS, Finding, Signs
from rtdet.tracks.doubts.meetings import meetings
from rtdet.tracks.doubts.rows import CourseRows
from rtdet.tracks.table import TrackTable

MOST = 1000
# A look at one place shows what is within this much of it.
APART_S = 0.5


def find_doubts(table: TrackTable, most: int = MOST) -> list[Finding]:
    """At most `most` places that are worth a look, by falling score.

    Of findings of the same tracks, or of one of them, within half a second only the first is there.
    """
    if len(table) == 0 or most < 1:
        return []
    rows = CourseRows(table)
    signs = [*meetings(rows), *ends(rows), *courses(rows)]
    scores = np.concatenate([of_kind.scores for of_kind in signs])
    kinds = np.repeat(np.arange(len(signs)), [len(of_kind.rows) for of_kind in signs])
    places = np.concatenate([np.arange(len(of_kind.rows)) for of_kind in signs])
    # Equal scores by their place in the run, so that the same table gives the same list.
    order = np.lexsort((places, kinds, -scores))
    found: list[Finding] = []
    shown: dict[int, list[tuple[float, frozenset[int]]]] = defaultdict(list)
    for i in order.tolist():
        of_kind, place = signs[kinds[i]], int(places[i])
        row, other = int(of_kind.rows[place]), int(of_kind.others[place])
        ids = (int(table.ids[row]), *((other,) if other >= 0 else ()))
        at = float(rows.seconds[row])
        if any(abs(at - t) <= APART_S and ids_shown.issuperset(ids) for t, ids_shown in shown[ids[0]]):
            continue
        for track_id in ids:
            shown[track_id].append((at, frozenset(ids)))
        found.append(_finding(table, of_kind, place, ids))
        if len(found) == most:
            break
    return found


def _finding(table: TrackTable, signs: Signs, place: int, ids: tuple[int, ...]) -> Finding:
    row = int(signs.rows[place])
    x, y = float(signs.x[place]), float(signs.y[place])
    names = {}
    if signs.kind == "class":
        names = {"a_class": _name(table, int(x)), "b_class": _name(table, int(y))}
    text = KINDS[signs.kind].format(a=ids[0], b=ids[-1], x=x, y=y, **names)
    frame = int(table.frames[row])
    time_s = float(table.frame_list.times_s[table.frame_list.place_of(table.frames[row : row + 1])[0]])
    return Finding(signs.kind, frame, time_s, ids, float(signs.scores[place]), text)


def _name(table: TrackTable, label: int) -> str:
    return table.class_names[label] if 0 <= label < len(table.class_names) else str(label)
