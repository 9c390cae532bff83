"""A batch from Python, and what the command says put into a wish."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rtdet.batch.engines.opening import EngineWish
from rtdet.batch.run import Summary, Wish, work_through
from rtdet.batch.settings import FILES, RUN_FIELDS, Settings, of_config, suffix_for
from rtdet.batch.tasks import Cut
from rtdet.config import RunConfig
from rtdet.detectors.registry import is_path
from rtdet.errors import UnknownNameError, UsageError


def run_batch(
    sources: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    save: str | bool = False,
    keep: bool = False,
    tracks: str | bool = False,
    counts: str | bool = False,
    events: bool = False,
    pieces: int | None = None,
    piece_minutes: float = 10.0,
    retries: int = 1,
    retry_failed: bool = False,
    engine: str = "auto",
    address: str | None = None,
    workers: int | None = None,
    cores: int | None = None,
    memory: str | None = None,
    gpus: float | None = None,
    stalled_s: float = 600.0,
    quiet: bool = True,
    is_over: Callable[[], bool] = lambda: False,
    **settings: Any,
) -> Summary:
    """Works through many sources, as `rtdet batch` does: the same arguments, the same files in the folder `out`.
    Called again, it goes on where it was; nothing is done twice.

    sources: files, folders, patterns, addresses and manifests; none: those that `out` has. Other settings are those
    of `rtdet.run`, for all. save, tracks, counts: True, or the suffix of the file that each source has. quiet: no
    progress on standard error. is_over: asked twice a second; once it is true the batch ends within seconds.

    The summary has `counts` (`done`, `failed`, `waiting`, ...), `elapsed_s`, `frames` and `is_interrupted`. A source
    that fails raises nothing: the table `out`/sources.parquet says why. Raises RtdetError with one clear line where
    the batch cannot begin or go on.

    >>> summary = rtdet.run_batch("street.mp4", "out", workers=1, max_frames=3, tracks="csv")
    >>> summary.counts.done, summary.counts.failed, summary.frames
    (1, 0, 3)
    """
    from rtdet.build import config_of  # here: the driver of a command needs nothing of what it loads

    names = [sources] if isinstance(sources, (str, Path)) else sources
    for name in settings:
        if name not in RUN_FIELDS:
            raise UnknownNameError("setting of rtdet.run_batch", name, (*RUN_FIELDS, *FILES))
    wanted = {"save": save, "keep": keep, "tracks": tracks, "counts": counts, "events": events}
    config = config_of("demo", settings, "rtdet.run_batch")
    wish = make_wish(
        out,
        [str(name) for name in names],
        settings_of({name: getattr(config, name) for name in settings}, wanted),
        Cut(pieces, piece_minutes * 60),
        retries,
        EngineWish(engine, address, workers, cores, memory, gpus, stalled_s),
        retry_failed=retry_failed,
        quiet=quiet,
    )
    return work_through(wish, is_over)


def make_wish(
    out: str | Path,
    sources: Sequence[str],
    settings: Settings,
    cut: Cut,
    retries: int,
    engine: EngineWish,
    *,
    retry_failed: bool,
    quiet: bool,
) -> Wish:
    """Without sources and settings the batch goes on with those that it has. Raises UsageError."""
    check_numbers(cut, retries, engine.stalled_s)
    check_zones(settings, sources)
    goes_on = not sources and not settings.run and not settings.files
    wanted = None if goes_on else settings
    return Wish(
        Path(out), tuple(sources), wanted, cut, retries, engine, retry_failed=retry_failed, quiet=quiet
    )


def settings_of(run: Mapping[str, Any], files: Mapping[str, str | bool | None]) -> Settings:
    """What is done with each source: fields of a RunConfig (None: as by default), and the files that are wanted, by a
    key of FILES. Raises UsageError."""
    wanted = {
        name: suffix_for(name, "yes" if text is True else str(text), f"--{name}")
        for name, text in files.items()
        if text
    }
    given = {name: value for name, value in run.items() if value is not None}
    for name in ("model", "zones"):
        if given.get(name) and (name == "zones" or is_path(given[name])):
            given[name] = str(Path(given[name]).expanduser().absolute())
    if given.get("every") == "auto":
        raise UsageError(
            "--every auto goes by how quick a machine is, and its tracks would, too; name a number"
        )
    return of_config(replace(RunConfig(), **given), wanted)


def check_numbers(cut: Cut, retries: int, stalled_s: float) -> None:
    """Raises UsageError."""
    for option, value, least in (
        ("--pieces", cut.count, 1), ("--piece-minutes", cut.length_s / 60, 0.01), ("--retries", retries, 0),
        ("--stalled", stalled_s, 1),
    ):  # fmt: skip
        if value is not None and not value >= least:
            raise UsageError(f"{option} must be at least {least:g}, not {value:g}")


def check_zones(settings: Settings, sources: Sequence[str]) -> None:
    """Refuses what counts without lines and zones, at once and not for each source; a manifest may name some."""
    wishes = [f"--{name}" for name in ("counts", "events") if name in settings.files]
    has_rows = any(Path(source).suffix.lower() in (".csv", ".jsonl", ".parquet") for source in sources)
    if wishes and "zones" not in settings.run and sources and not has_rows:
        raise UsageError(f"{wishes[0]} needs --zones, a file of lines and areas to count at")
