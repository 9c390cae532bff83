"""`rtdet count TRACKS|RUN --zones ZONES.json --out COUNTS`: who crossed which line, who was in which zone."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from rtdet.cli import completion, options
from rtdet.cli.console import show_messages
from rtdet.cli.options import CONTEXT
from rtdet.errors import UsageError
from rtdet.terminal import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from rtdet.counting import Counter, Zones
    from rtdet.counting.tables import CountRow
    from rtdet.kept import KeptRun
    from rtdet.tracks.table import TrackTable

_SWEPT = tuple(round(0.05 * i, 2) for i in range(1, 20))


@click.command(context_settings=CONTEXT)
@click.argument("tracks", metavar="TRACKS|RUN.rtdet", shell_complete=completion.files)
@options.zones("The zones file with the lines and areas.  [default: the zones kept with RUN.rtdet]")
@click.option("--out", required=True, metavar="COUNTS", help="The table: .csv, .json or .parquet.")
@click.option("--events", metavar="EVENTS", help="Each crossing and visit: .csv or .jsonl.")
@click.option(
    "--sweep", type=click.Choice(["conf"]), metavar="conf",
    help="Also the counts at other thresholds, of tracks by their mean score, of a kept run tracked again.",
)  # fmt: skip
@click.option(
    "--clock", metavar="T",
    help="Date and time at second 0, as 2026-05-01T08:00: minutes and hours go by it.  "
    "[default: of a live run that was kept, when it began]",
)  # fmt: skip
@options.size()
@click.option(
    "--fps", type=float, default=30.0, show_default=True,
    help="Frame rate, for a .txt, which holds no times; the other formats do.",
)  # fmt: skip
@options.quiet()
def command(
    tracks: str, zones: str | None, out: str, events: str | None, sweep: str | None, clock: str | None,
    size: str | None, fps: float, quiet: bool,
) -> None:  # fmt: skip
    """Count the tracks of a run at lines and zones.

    The zones file is GeoJSON: a LineString counts each direction, a Polygon who entered and left, who was first or
    last seen inside, how long visits lasted and how many were there at once; by class, in all, by the hour and by the
    minute. Each count has an interval, low to high, that holds the true one in 95 of 100 cases as far as the tracks'
    scores, gaps and near ties tell.

    What counts is the middle of a box's lower edge ("point": "feet"), its path between the frames in which the object
    was seen. Who flickers on a line crosses once.
    """
    from rtdet.counting.tables import count_rows, parse_clock, write_counts, write_events
    from rtdet.tracks.picture_size import check_size

    show_messages(quiet=quiet)
    picture = options.picture_size(size)
    at = None if clock is None else parse_clock(clock)
    _check(tracks, zones, out, events)
    table, wanted, again, began = _opened(tracks, zones, fps)
    if picture is not None:
        check_size(table, picture, "--size")
    at = at or began
    counter, (begin, end) = _counted(table, wanted, picture), _span(table)
    rows = count_rows(counter, begin, end, at)
    if sweep is not None:
        rows += _swept(again, wanted, counter.size, at)
    about = {
        "tracks": tracks,
        "zones": zones,
        "size": list(counter.size),
        "point": wanted.point,
        "clock": clock,
    }
    write_counts(out, rows, about)
    if events is not None:
        write_events(events, counter.events, at)
    if not quiet:
        _show(rows, swept=sweep is not None)
    for path in (out, events):
        if path is not None and not quiet:
            say(f"wrote {path}", err=True)


def _check(tracks: str, zones: str | None, out: str, events: str | None) -> None:
    """Before anything is read."""
    from rtdet.counting.tables import EVENT_SUFFIXES, SUFFIXES
    from rtdet.output_file import check_output, suffix_of
    from rtdet.overwriting import refuse_overwriting

    suffix_of(out, "table of counts", SUFFIXES)
    if events is not None:
        suffix_of(events, "file of events", EVENT_SUFFIXES)
    refuse_overwriting({"--out": out, "--events": events}, [tracks, zones])
    for path in (out, events):
        if path is not None:
            check_output(path)


def _opened(
    tracks: str, zones: str | None, fps: float
) -> tuple[TrackTable, Zones, Callable[[float], TrackTable], datetime | None]:
    """The tracks, the zones, the tracks at another threshold, and the wall clock at second 0 where it is known."""
    from rtdet.counting import read_zones, zones_from_text
    from rtdet.kept import KeptRun, Tracking, is_named_kept, reviewed_tracks
    from rtdet.tracks.opening import open_tracks

    if not 0 < fps < math.inf:
        raise UsageError(f"--fps must be above 0, not {fps:g}")
    if not is_named_kept(tracks):
        if zones is None:
            raise UsageError("say where to count: --zones ZONES.json, a file of lines and polygons")
        wanted, table = read_zones(zones), open_tracks(tracks, fps)
        return table, wanted, lambda conf: _above(table, conf), None
    with KeptRun(tracks) as run:
        text = run.document("zones") if zones is None else None
        if zones is None and text is None:
            raise UsageError(
                f"no zones are kept with {tracks}; name a file of lines and polygons: --zones ZONES.json"
            )
        wanted = (
            zones_from_text(text, f"the zones of {tracks}") if text is not None else read_zones(zones or "")
        )
        table, began = reviewed_tracks(run), _began(run)

    def again(conf: float) -> TrackTable:
        with KeptRun(tracks) as run:
            return reviewed_tracks(run, Tracking.of(run.about, {"conf": conf}), warns=False)

    return table, wanted, again, began


def _began(run: KeptRun) -> datetime | None:
    """The wall clock at second 0 of a live run; nobody knows when a file was filmed."""
    from datetime import datetime

    try:
        return datetime.fromisoformat(run.about.began_at) if run.about.info.is_live else None
    except ValueError:
        return None


def _above(table: TrackTable, conf: float) -> TrackTable:
    """The tracks whose mean score, where they were seen, is at least `conf`."""
    import numpy as np

    keep = np.zeros(len(table), dtype=bool)
    seen = (table.scores > 0) & table.values["seen"].astype(bool)
    for rows in table.tracks():
        scores = table.scores[rows][seen[rows]]
        keep[rows] = len(scores) > 0 and float(scores.mean()) >= conf
    return table.only(keep)


def _counted(table: TrackTable, zones: Zones, size: tuple[int, int] | None) -> Counter:
    from rtdet.counting import count_table

    return count_table(table, zones, size)


def _span(table: TrackTable) -> tuple[float, float]:
    """The first and the last second of the frames."""
    times_s = table.frame_list.times_s
    return (float(times_s.min()), float(times_s.max())) if len(times_s) else (0.0, 0.0)


def _swept(
    again: Callable[[float], TrackTable], zones: Zones, size: tuple[int, int], clock: datetime | None
) -> Iterator[CountRow]:
    from rtdet.counting.tables import count_rows

    for conf in _SWEPT:
        table = again(conf)
        counter = _counted(table, zones, size)
        for row in count_rows(counter, *_span(table), clock, only_all=True):
            yield replace(row, conf=conf)


def _show(rows: list[CountRow], *, swept: bool) -> None:
    """The counts in all, for people; with a column for each threshold of a sweep."""
    from rich.table import Table

    from rtdet.counting.tables import ALL
    from rtdet.terminal import console

    whole = [row for row in rows if row.period == ALL and row.class_name == ALL]
    own = [row for row in whole if math.isnan(row.conf)]
    at = {(row.name, row.what, row.conf): row.count for row in whole if not math.isnan(row.conf)}
    shown = _SWEPT[1::2] if swept else ()
    table = Table("where", "what", "count", "95%", *(f"{conf:g}" for conf in shown), box=None)
    for row in own:
        counts = [str(at.get((row.name, row.what, conf), 0)) for conf in shown]
        table.add_row(row.name, row.what, str(row.count), f"{row.low}-{row.high}", *counts)
    console(markup=False).print(table)
