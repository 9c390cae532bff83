"""How far a batch is: a few lines that are kept up to date in a terminal, or one now and then in a log."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from rtdet.address import hide_secrets
from rtdet.batch.engines.engine import Engine, Running
from rtdet.batch.journal import Counts, Journal
from rtdet.terminal import clean
from rtdet.terminal import console as make_console

if TYPE_CHECKING:
    from rich.console import RenderableType

_EVERY_S = 10.0
_EVERY_SHARE = 0.02
# Rates and the time left go by so many seconds.
_RECENT_S = 60.0
_MOST_SHOWN = 8


class Pace:
    """How quick a batch is, by the last minute, and how long it will take."""

    def __init__(self, counts: Counts, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began_at = clock()
        self._done_before = counts.done + counts.failed
        self._seen: deque[tuple[float, int]] = deque([(self._began_at, 0)])
        self._before: dict[tuple[int, int], int] = {}
        self._frames = 0

    @property
    def elapsed_s(self) -> float:
        return self._clock() - self._began_at

    def note(self, running: Sequence[Running]) -> None:
        """What is being done just now."""
        now_at: dict[tuple[int, int], int] = {}
        for one in running:
            key = one.task.number, one.task.piece
            now_at[key] = one.progress.frames
            if one.task.kind != "join":
                self._frames += max(0, one.progress.frames - self._before.get(key, 0))
        self._before = now_at
        now = self._clock()
        self._seen.append((now, self._frames))
        while len(self._seen) > 2 and now - self._seen[0][0] > _RECENT_S:
            self._seen.popleft()

    @property
    def frames_per_s(self) -> float:
        (since, before), (until, now) = self._seen[0], self._seen[-1]
        return (now - before) / (until - since) if until > since else 0.0

    def left_s(self, counts: Counts, running: Sequence[Running]) -> float | None:
        """Seconds until the end, if all sources take as long as those so far; None at first."""
        done: float = counts.done + counts.failed - self._done_before
        done += sum(0.5 for _ in running)
        left = counts.waiting + counts.in_pieces - sum(0.5 for _ in running)
        return (
            None
            if counts.done + counts.failed == self._done_before
            else self.elapsed_s / done * max(0.0, left)
        )


def summary_line(counts: Counts, pace: Pace | None = None, running: Sequence[Running] = ()) -> str:
    """`12 of 60 sources done, 1 failed, 3.2 h of video, 118 frames/s, about 4 min left`."""
    parts = [f"{counts.done} of {counts.total} sources done"]
    if counts.failed:
        parts.append(f"{counts.failed} failed")
    if counts.in_pieces:
        parts.append(f"{counts.pieces_done} of {counts.pieces} pieces of {counts.in_pieces} more")
    parts.append(f"{duration(counts.duration_s)} of video")
    if pace is not None:
        if pace.frames_per_s:
            parts.append(f"{pace.frames_per_s:.0f} frames/s")
        left = pace.left_s(counts, running)
        if left is not None:
            parts.append(f"about {duration(left)} left")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3.2 h`, `1,200 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    hours = seconds / 3600
    return f"{hours:.1f} h" if hours < 100 else f"{hours:,.0f} h"


@contextmanager
def shown(
    journal: Journal, engine: Engine, *, quiet: bool, stream: TextIO | None = None
) -> Iterator[tuple[Callable[[], None], Pace]]:
    """Shows how far a batch is while it lasts; yields what is to be called now and then, and the pace."""
    console = make_console(stderr=True) if stream is None else make_console(file=stream)
    pace = Pace(journal.counts())
    if quiet:
        yield (lambda: pace.note(engine.running())), pace
        return
    if not console.is_terminal:
        lines = _Lines(
            journal,
            engine,
            pace,
            lambda text: print(clean(text, console.file), file=console.file, flush=True),
        )
        yield lines.tick, pace
        return
    from rich.live import Live

    with Live(console=console, transient=True, auto_refresh=False) as live:
        told = 0.0

        def tick() -> None:
            nonlocal told
            running = engine.running()
            pace.note(running)
            if time.monotonic() - told > 0.4:
                told = time.monotonic()
                live.update(_picture(journal.counts(), pace, running, engine), refresh=True)

        yield tick, pace


class _Lines:
    """A line now and then, for logs and pipes."""

    def __init__(self, journal: Journal, engine: Engine, pace: Pace, say: Callable[[str], None]) -> None:
        self._journal, self._engine, self._pace, self._say = journal, engine, pace, say
        self._last_s = 0.0

    def tick(self) -> None:
        running = self._engine.running()
        self._pace.note(running)
        elapsed = self._pace.elapsed_s
        if elapsed - self._last_s < max(_EVERY_S, _EVERY_SHARE * elapsed):
            return
        self._last_s = elapsed
        machines = by_machine(running)
        self._say(
            summary_line(self._journal.counts(), self._pace, running) + (f"; {machines}" if machines else "")
        )


def by_machine(running: Sequence[Running]) -> str:
    """`node1: 4 busy, node2: 3 busy`; "" where there is one machine."""
    busy: dict[str, int] = {}
    for one in running:
        busy[one.machine] = busy.get(one.machine, 0) + 1
    if len(busy) < 2:
        return ""
    return ", ".join(f"{machine}: {count} busy" for machine, count in sorted(busy.items()))


def _picture(counts: Counts, pace: Pace, running: Sequence[Running], engine: Engine) -> RenderableType:
    from rich.console import Group
    from rich.markup import escape
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for one in list(running)[:_MOST_SHOWN]:
        name = escape(hide_secrets(one.task.source).rstrip("/").rpartition("/")[2])
        what = {"piece": f"piece {one.task.piece + 1}", "join": "joining"}.get(one.task.kind, "")
        speed = one.progress.frames / one.seconds if one.seconds > 1 else 0.0
        table.add_row(one.machine, name, what, f"{one.progress.frames} frames", f"{speed:.0f}/s")
    more = len(running) - _MOST_SHOWN
    head = Text(summary_line(counts, pace, running))
    bar = ProgressBar(total=max(1, counts.total), completed=counts.done + counts.failed, width=60)
    parts: list[RenderableType] = [head, bar, table]
    if more > 0:
        parts.append(Text(f"and {more} more; {by_machine(running)}".rstrip("; ")))
    return Group(*parts)
