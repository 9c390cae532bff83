"""A batch from its beginning, or from where it was, to its end."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rtdet.address import hide_secrets
from rtdet.batch.data_set import write_sources
from rtdet.batch.driver import Driver, Plan, StoppedError
from rtdet.batch.driver_lock import DriverLock
from rtdet.batch.engines.engine import Engine
from rtdet.batch.engines.opening import EngineWish, open_engine
from rtdet.batch.facts import hash_of
from rtdet.batch.journal import Counts, Journal
from rtdet.batch.layout import Layout, refuse_other_folder
from rtdet.batch.manifest import Listed, list_sources
from rtdet.batch.progress import shown
from rtdet.batch.settings import Settings
from rtdet.batch.tasks import Cut
from rtdet.detectors.registry import files_of_model
from rtdet.errors import SourceError, UsageError

_USUAL_FPS = 25.0


@dataclass(frozen=True)
class Wish:
    """What somebody wants of a batch. settings: None where it goes on with those that it was begun with."""

    out: Path
    sources: Sequence[str] = ()
    settings: Settings | None = field(default_factory=Settings)
    cut: Cut = field(default_factory=Cut)
    retries: int = 1
    engine: EngineWish = field(default_factory=EngineWish)
    retry_failed: bool = False
    quiet: bool = False


@dataclass(frozen=True)
class Summary:
    """What became of a batch. elapsed_s, frames: of this time."""

    counts: Counts
    elapsed_s: float
    frames: int
    is_interrupted: bool = False


def work_through(
    wish: Wish,
    is_over: Callable[[], bool] = lambda: False,
    on_begin: Callable[[Engine, Counts], None] = lambda engine, counts: None,
    on_listed: Callable[[Counts], None] = lambda counts: None,
) -> Summary:
    """Works through the sources and all that the batch had before; ends early, within seconds, once `is_over`.
    `on_listed` is called before the engine is opened, which may take minutes, `on_begin` when it is.

    Raises UsageError for settings that make no sense or are not those of the batch, SourceError for a source that
    names nothing, OutputError and StoppedError where the batch cannot go on.
    """
    layout = Layout(wish.out)
    refuse_other_folder(layout.folder)
    with ExitStack() as opened:
        made = layout.missing_folders()
        layout.make_folder()
        lock = DriverLock(layout.lock)
        opened.callback(lock.release)
        with _journal_of(layout, made) as journal:
            opened.callback(journal.close)
            layout.make()
            settings = _settings_of(journal, wish, layout)
            _list(journal, wish, layout, is_over)
            if wish.retry_failed:
                journal.retry()
            counts = journal.counts()
            if not counts.total:
                raise UsageError(
                    f"{layout.folder} has no sources yet: name some, as in rtdet batch VIDEOS --out DIR"
                )
        if not counts.waiting and not counts.in_pieces:
            write_sources(journal, layout.sources)
            return Summary(counts, 0.0, 0)
        on_listed(counts)
        engine = open_engine(wish.engine, str(settings.run.get("device", "auto")), layout.work)
        opened.callback(engine.close)
        on_begin(engine, counts)
        driver = Driver(layout, journal, engine, Plan(settings, wish.cut, wish.retries))
        tick, pace = opened.enter_context(shown(journal, engine, quiet=wish.quiet, most_s=_most_s(settings)))
        interrupted = False

        def is_over_now() -> bool:
            nonlocal interrupted
            interrupted = interrupted or is_over()
            return interrupted

        driver.run(is_over_now, tick)
        before, counts = counts, journal.counts()
        left = counts.waiting + counts.in_pieces
        frames = counts.frames - before.frames
        return Summary(counts, pace.elapsed_s, frames, is_interrupted=interrupted and left > 0)


@contextmanager
def _journal_of(layout: Layout, made: Sequence[Path]) -> Iterator[Journal]:
    """The journal, for a listing by who holds the lock: where a new batch is refused, its folder is as before.
    `made`: the folders that were not there."""
    is_new = not layout.journal.exists()
    journal = Journal(layout.journal)
    try:
        yield journal
    except BaseException as error:
        journal.close()
        if is_new and isinstance(error, (UsageError, SourceError)):
            layout.forget_batch(made)
        raise


def _most_s(settings: Settings) -> float:
    """So many seconds of each source are worked through at most, as far as that is known before it is open."""
    frames = settings.run.get("max_frames")
    return min(settings.run.get("duration") or math.inf, frames / _USUAL_FPS if frames else math.inf)


def _list(journal: Journal, wish: Wish, layout: Layout, is_over: Callable[[], bool]) -> None:
    """Adds the sources that are named. Until all are listed the batch does not go on without their being named: who
    was killed in the middle would lose the others."""
    if not wish.sources:
        if not journal.about().get("is_listed", True):
            raise UsageError(
                f"{layout.folder} does not have all of its sources yet, as their listing broke off: name them again"
            )
        return
    journal.note(is_listed=False)
    journal.add(_until(is_over, list_sources(wish.sources, without=layout.folder)))
    journal.note(is_listed=True)


def _until(is_over: Callable[[], bool], sources: Iterable[Listed]) -> Iterator[Listed]:
    for one in sources:
        if is_over():
            raise StoppedError(
                "interrupted while the sources were listed; the same command begins again", 130
            )
        yield one


# The settings that a batch was begun with


def _settings_of(journal: Journal, wish: Wish, layout: Layout) -> Settings:
    """The settings of the batch: those that it was begun with, which must be those that are wished for. As long as
    nothing was tried with them others may take their place: a word may have been wrong."""
    about = journal.about()
    known = about.get("settings")
    if known is None or (wish.settings is not None and not journal.is_begun()):
        settings = wish.settings or Settings()
        settings.config("demo")  # its own checks
        journal.note(settings=settings.as_dict(), files=_files_of(settings))
        return settings
    settings = Settings.from_dict(known)
    if wish.settings is not None:
        _refuse_others(settings, wish.settings, layout.folder)
    for name, content in _files_of(settings).items():
        if about.get("files", {}).get(name, content) != content:
            raise UsageError(
                f"{name} is not what it was when {layout.folder} was begun; put it back, or name another --out"
            )
    return settings


def _refuse_others(before: Settings, now: Settings, folder: Path) -> None:
    for known, wanted in ((before.run, now.run), (before.files, now.files)):
        for name in sorted(known.keys() | wanted.keys()):
            then, given = known.get(name), wanted.get(name)
            if _plain(then) != _plain(given):
                option = f"--{name.replace('_', '-')}"
                raise UsageError(
                    f"{folder} was begun {_said(option, then)}, and is now asked for {_said(option, given)}; "
                    f"rtdet batch --out {folder} goes on with the settings that it has, or name another --out"
                )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _said(option: str, value: Any) -> str:
    if value is None:
        return f"without {option}"
    shown = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else hide_secrets(str(value))
    return f"with {option} {shown}"


def _files_of(settings: Settings) -> Mapping[str, str]:
    """The hashes of the files that every source is worked through with."""
    paths: Iterable[Path] = [
        *(path for path in files_of_model(str(settings.run.get("model", ""))) if path.is_file()),
        *([Path(str(settings.run["zones"]))] if "zones" in settings.run else []),
    ]
    return {str(path): hash_of(path) for path in paths if path.is_file()}
