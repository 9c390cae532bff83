"""What `rtdet batch status` says of a batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rtdet.batch.driver_lock import is_driven
from rtdet.batch.journal import Journal
from rtdet.batch.layout import Layout
from rtdet.batch.progress import duration, failure_line, summary_line
from rtdet.errors import SourceError
from rtdet.terminal import rate

_MOST_FAILURES = 20


def open_layout(folder: str | Path) -> Layout:
    """The folder of a batch that is there. Raises SourceError."""
    layout = Layout(folder)
    if not layout.journal.is_file():
        raise SourceError(f"{folder} is no folder of a batch: it has no {layout.journal.name}")
    return layout


def status_lines(folder: str | Path) -> Iterator[str]:
    """Line by line. Raises SourceError."""
    layout = open_layout(folder)
    with Journal(layout.journal, reads_only=True) as journal:
        counts = journal.counts()
        yield summary_line(counts)
        for machine, sources, frames, seconds in journal.by_machine():
            speed = f", {rate(frames / seconds)} of a worker" if seconds and frames else ""
            yield (
                f"  {machine or 'unknown'}: {sources} source{'s' if sources != 1 else ''}, {frames or 0:,} frames, "
                f"{duration(seconds or 0.0)} of work{speed}"
            )
        yield from failure_lines(journal)
        driver = is_driven(layout.lock)
        if driver:
            yield f"being worked on by {driver}"
        elif counts.waiting or counts.in_pieces:
            yield f"to go on: rtdet batch --out {folder}"
        if counts.failed and not driver:
            yield f"to try those that failed once more: rtdet batch retry {folder}"


def failure_lines(journal: Journal) -> Iterator[str]:
    """The sources that failed, each with its reason, of many the first ones; and that some have warnings."""
    if warned := journal.count_of_warnings():
        yield (
            f"  {warned} source{'s are' if warned > 1 else ' is'} done with a warning, of damage perhaps: see the "
            "column `warning` of sources.parquet"
        )
    for count, source in enumerate(journal.failures(_MOST_FAILURES + 1)):
        if count == _MOST_FAILURES:
            more = journal.counts().failed - count
            yield f"  and {more} more: see the column `error` of sources.parquet"
            return
        yield f"  failed: {failure_line(source.source, source.error)}"
