"""How far a batch is: a few lines that are kept up to date in a terminal, or one now and then in a log."""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from rtdet.address import hide_secrets
from rtdet.batch.engines.engine import Engine, Running
from rtdet.batch.journal import Counts, Journal
from rtdet.batch.tasks import JOIN, Progress
from rtdet.terminal import clean, for_terminal, rate
from rtdet.terminal import console as make_console
from rtdet.video.sources.names import is_url

if TYPE_CHECKING:
    from rich.console import RenderableType

_EVERY_S = 10.0
_EVERY_SHARE = 0.02
# Frames a second are those of so many seconds, the time left goes by more.
_RECENT_S, _STEADY_S = 60.0, 600.0
# The sizes of so many files tell how long those that wait are; they are looked up for so many seconds at most.
_SAMPLE, _SAMPLING_S = 400, 0.5
_MOST_SHOWN = 8


class Pace:
    """How quick a batch is, by the last minute, and how long it will take, by hours of video. most_s: of each source
    only so many seconds are worked through. sizes: of some sources that waited at first, by number, their bytes."""

    def __init__(
        self,
        most_s: float = math.inf,
        sizes: Mapping[int, int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock, self._most_s, self._sizes = clock, most_s, sizes or {}
        self._began_at = clock()
        self._seen: deque[tuple[float, int, float]] = deque([(self._began_at, 0, 0.0)])
        self._before: dict[tuple[int, int], Progress] = {}
        self._frames, self._video_s = 0, 0.0

    @property
    def elapsed_s(self) -> float:
        return self._clock() - self._began_at

    def note(self, running: Sequence[Running]) -> None:
        """What is being done just now."""
        now_at: dict[tuple[int, int], Progress] = {}
        for one in running:
            key = one.task.number, one.task.piece
            now_at[key] = one.progress
            if one.task.kind != JOIN:
                before = self._before.get(key, Progress())
                self._frames += max(0, one.progress.frames - before.frames)
                self._video_s += max(0.0, one.progress.time_s - before.time_s)
        self._before = now_at
        now = self._clock()
        self._seen.append((now, self._frames, self._video_s))
        while len(self._seen) > 2 and now - self._seen[1][0] > _STEADY_S:
            self._seen.popleft()

    @property
    def frames_per_s(self) -> float:
        until, now, _ = self._seen[-1]
        since, before, _ = next(
            one for one in self._seen if until - one[0] <= _RECENT_S or one is self._seen[-1]
        )
        return (now - before) / (until - since) if until > since else 0.0

    def left_s(self, counts: Counts, running: Sequence[Running]) -> float | None:
        """Seconds until the end, as far as those that wait are like those whose length is known; None at first."""
        (since, _, before), (until, _, now) = self._seen[0], self._seen[-1]
        usual_s = self._usual_s(counts)
        if now <= before or until <= since or (usual_s is None and counts.waiting):
            return None
        begun_s = sum(one.progress.time_s for one in running if one.task.kind != JOIN)
        left_s = counts.left_in_pieces_s + counts.waiting * (usual_s or 0.0) - begun_s
        return max(0.0, left_s) * (until - since) / (now - before)

    def _usual_s(self, counts: Counts) -> float | None:
        """Seconds of video of a source that waits; None where none is known."""
        if not counts.known:
            return None
        usual_s = counts.known_s / counts.known
        sizes = [size for number, size in self._sizes.items() if number >= counts.first_waiting]
        if sizes and counts.known_bytes:
            usual_s = sum(sizes) / len(sizes) * counts.known_s / counts.known_bytes
        return min(usual_s, self._most_s)


def sample_of_sizes(journal: Journal) -> dict[int, int]:
    """Of some files that wait, by their number, the bytes; looks for a moment only."""
    sizes: dict[int, int] = {}
    until = time.monotonic() + _SAMPLING_S
    for source in journal.some_waiting(_SAMPLE):
        with suppress(OSError, ValueError):
            if not is_url(source.source) and (size := os.stat(source.source).st_size):
                sizes[source.number] = size
        if time.monotonic() > until:
            break
    return sizes


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
            parts.append(rate(pace.frames_per_s))
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


def shown_source(source: str) -> str:
    """A source as one line may have it: without secrets, and without the line ends that a file's name may hold."""
    return for_terminal(hide_secrets(source))


def failure_line(source: str, error: str) -> str:
    """Why a source failed, with its name once: most errors have it already."""
    name = shown_source(source)
    is_named = error.startswith(name) or (os.path.isabs(name) and name in error)
    return error if is_named else f"{name}: {error}"


@contextmanager
def shown(
    journal: Journal, engine: Engine, *, quiet: bool, most_s: float = math.inf, stream: TextIO | None = None
) -> Iterator[tuple[Callable[[], None], Pace]]:
    """Shows how far a batch is while it lasts; yields what is to be called now and then, and the pace (whose `most_s`
    it is)."""
    console = make_console(stderr=True) if stream is None else make_console(file=stream)
    pace = Pace(most_s, {} if quiet else sample_of_sizes(journal))
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
        told = took = 0.0

        def tick() -> None:
            nonlocal told, took
            running = engine.running()
            pace.note(running)
            # To count a hundred thousand sources takes a while.
            if time.monotonic() - told > max(0.4, 50 * took):
                told = time.monotonic()
                counts = journal.counts()
                took = time.monotonic() - told
                live.update(_picture(counts, pace, running, engine), refresh=True)

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
        name = escape(shown_source(one.task.source).rstrip("/").rpartition("/")[2])
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
