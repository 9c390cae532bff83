"""`rtdet batch SRC... --out DIR`: many sources, on this machine or on a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rtdet.cli import completion, options
from rtdet.cli.console import interrupts, show_messages
from rtdet.cli.options import CONTEXT
from rtdet.errors import SourceError, UsageError
from rtdet.terminal import rate, say

if TYPE_CHECKING:
    from rtdet.batch.run import Summary, Wish

_VERBS = ("status", "retry", "pack")
# To read the tracks of more sources takes noticeably longer than to read those of one file.
_MANY = 5_000


@click.command(context_settings={**CONTEXT, "max_content_width": 100})
@click.argument("sources", nargs=-1, metavar="SRC...", shell_complete=completion.files)
@click.option("--out", metavar="DIR", help="Folder for the results; named again, it goes on where it was.")
@click.option(
    "--engine", metavar="NAME", default="auto", show_default=True,
    help="local: processes of this machine. ray: a Ray cluster. auto: ray with --address, else local.",
)  # fmt: skip
@click.option(
    "--address", metavar="A", help="The Ray cluster: auto, ray://HOST:10001 or HOST:6379.  [default: none]"
)
@click.option("--workers", type=int, metavar="N", help="Processes that work.  [default: one for each core]")
@click.option("--cores", type=int, metavar="N", help="Cores of each worker.  [default: 1]")
@click.option(
    "--memory", metavar="SIZE", help="The most that a worker may take, as 4GB.  [default: its share]"
)
@click.option(
    "--gpus", type=float, metavar="X", help="The share of a GPU that each worker of a cluster has, as 0.5."
)
@click.option(
    "--save",
    metavar="mp4|mkv",
    is_flag=False,
    flag_value="mp4",
    help="Record annotated video of each source.",
)
@click.option("--keep", is_flag=True, help="Keep the run of each source, to track, count and mend it later.")
@click.option(
    "--tracks",
    metavar="KIND",
    help="A file of tracks for each source besides the data set: txt, csv, jsonl, ...",
)
@click.option(
    "--counts", metavar="KIND", help="A table of counts for each source, csv, json or parquet; needs --zones."
)
@click.option("--events", is_flag=True, help="A file of crossings and visits for each source; needs --zones.")
@options.zones()
@click.option("--pieces", type=int, metavar="N", help="Cut each source into N pieces; 1: cut none.")
@click.option(
    "--piece-minutes", type=float, default=10.0, show_default=True, metavar="M",
    help="Cut sources into pieces of about so many minutes, or of fewer where workers would have nothing to do; they "
    "are worked on in parallel, and the results are those of one pass. Not with --every, --start, --duration or "
    "--max-frames.",
)  # fmt: skip
@click.option(
    "--retries",
    type=int,
    default=1,
    show_default=True,
    metavar="N",
    help="Try a source that failed N times more.",
)
@click.option(
    "--stalled", type=float, default=600.0, show_default=True, metavar="S",
    help="Give up a source that gives no frame for S seconds.",
)  # fmt: skip
@click.option(
    "--dry-run", is_flag=True, help="List what would be done and what it would cost, and do nothing."
)
@click.option("--dashboard", is_flag=True, help="Start Ray's dashboard with a cluster of this machine's own.")
@options.in_detail()
@options.tracking()
@options.every("N", "Such sources are not cut into pieces.")
@options.clock()
@options.part_of_source()
@options.quiet()
def command(
    sources: tuple[str, ...], out: str | None, engine: str, address: str | None, workers: int | None,
    cores: int | None, memory: str | None, gpus: float | None, pieces: int | None, piece_minutes: float,
    retries: int, stalled: float, dry_run: bool, dashboard: bool, quiet: bool, **values: Any,
) -> None:  # fmt: skip
    """Work through many sources: files, folders with all below them, patterns, addresses, and manifests, which are
    .txt, .csv, .jsonl or .parquet with a column `path` and, if need be, settings of each row (`conf`, `model`,
    `zones`, `save`, ...), which win.

    DIR/tracks is one data set of Parquet, partitioned by source, that DuckDB, polars and pandas read at once;
    DIR/sources.parquet is the table of the sources, and DIR/outputs/KEY has the statistics and whatever else was
    asked for. Nothing is done twice: after Ctrl-C, a crash or a power cut the same command goes on where it was.
    The exit code is 3 where sources failed; the others are done all the same.

    \b
    rtdet batch status DIR    how far it is, what failed and why
    rtdet batch retry DIR     tries what failed once more
    rtdet batch pack DIR      writes the tracks of all to a few files, DIR/packed, which are read in less time
    rtdet batch --out DIR     goes on with the sources and settings that it has
    """
    from rtdet.batch.api import make_wish, settings_of
    from rtdet.batch.engines.opening import EngineWish
    from rtdet.batch.settings import FILES
    from rtdet.batch.tasks import Cut

    verb = sources[0] if sources and sources[0] in _VERBS and not Path(sources[0]).exists() else ""
    if verb:
        out = _folder_of(verb, sources, out)
        if verb == "status":
            return _status(out)
        if verb == "pack":
            return _pack(out)
    elif out is None:
        raise UsageError("name a folder for the results: rtdet batch VIDEOS --out DIR")
    show_messages(quiet=quiet)
    files = {name: values.pop(name) for name in FILES}
    wish = make_wish(
        out,
        () if verb else sources,
        settings_of(values, files),
        Cut(pieces, piece_minutes * 60),
        retries,
        EngineWish(engine, address, workers, cores, memory, gpus, stalled, dashboard),
        retry_failed=verb == "retry",
        quiet=quiet,
    )
    if dry_run:
        return _dry_run(wish)
    raise SystemExit(_run(wish))


def _folder_of(verb: str, sources: Sequence[str], out: str | None) -> str:
    from rtdet.batch.status import open_layout

    folders = [*sources[1:], *([out] if out else [])]
    if len(folders) != 1:
        raise UsageError(f"rtdet batch {verb} takes the folder of one batch: rtdet batch {verb} DIR")
    open_layout(folders[0])
    return folders[0]


def _run(wish: Wish) -> int:
    from rtdet.batch.engines.opening import opening_line
    from rtdet.batch.journal import Journal
    from rtdet.batch.layout import Layout
    from rtdet.batch.run import work_through
    from rtdet.batch.status import failure_lines

    opening = opening_line(wish.engine)

    def say_begin(counts: Any, how: str) -> None:
        left = counts.waiting + counts.in_pieces
        known = f", {counts.done} of {counts.total} are done" if counts.done else ""
        say(f"rtdet: {left} source{'s' if left != 1 else ''} to work through{known}; {how}", err=True)

    def listed(counts: Any) -> None:
        if opening and not wish.quiet:
            say_begin(counts, opening)

    def begin(engine: Any, counts: Any) -> None:
        if opening and not wish.quiet:
            say(f"rtdet: {engine.about}", err=True)
        elif not wish.quiet:
            say_begin(counts, engine.about)

    with interrupts(_say_stopping) as signals:
        summary = work_through(wish, lambda: bool(signals), begin, listed)
    with Journal(Layout(wish.out).journal, reads_only=True) as journal:
        failed = list(failure_lines(journal))
    _say_summary(wish, summary, failed)
    if summary.is_interrupted:
        return 130
    return SourceError.exit_code if summary.counts.failed else 0


def _say_stopping() -> None:
    say("rtdet: interrupted; ending what is under way, which may take some seconds", err=True)


def _say_summary(wish: Wish, summary: Summary, failed: Sequence[str]) -> None:
    from rtdet.batch.progress import duration, summary_line

    if not wish.quiet:
        speed = ""
        if summary.frames and summary.elapsed_s:
            took = summary.elapsed_s
            speed = f"; {summary.frames:,} frames in {duration(took)}, {rate(summary.frames / took)}"
        say(f"rtdet: {summary_line(summary.counts)}{speed}", err=True)
        for line in failed:
            say(line, err=True)
        if not summary.is_interrupted:
            say(f"wrote {wish.out}/tracks and {wish.out}/sources.parquet", err=True)
        if summary.counts.done > _MANY and not summary.is_interrupted:
            say(f"to have all tracks in a few files: rtdet batch pack {wish.out}", err=True)
        if summary.counts.failed and not summary.is_interrupted:
            say(f"to try those that failed once more: rtdet batch retry {wish.out}", err=True)
    if summary.is_interrupted:
        say(f"rtdet: interrupted; to go on where it was: rtdet batch --out {wish.out}", err=True)


def _status(folder: str) -> None:
    from rtdet.batch.status import status_lines

    for line in status_lines(folder):
        say(line)


def _pack(folder: str) -> None:
    from rtdet.batch.packing import pack

    packed = pack(folder)
    say(
        f"wrote {folder}/packed: {packed.rows:,} rows of {packed.sources:,} source{'s' * (packed.sources != 1)} in "
        f"{packed.files} file{'s' * (packed.files != 1)}",
        err=True,
    )


def _dry_run(wish: Wish) -> None:
    from rtdet.batch.dry_run import dry_run

    for line in dry_run(wish):
        say(line)
