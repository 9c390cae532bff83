"""What a batch would do and what it would cost, from a trial of each kind of file."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rtdet.batch.engines.local import LocalEngine
from rtdet.batch.journal import DONE, FAILED, Journal, Source
from rtdet.batch.layout import STATS_FILE, Layout
from rtdet.batch.manifest import list_sources
from rtdet.batch.process import Limits
from rtdet.batch.progress import duration, shown_source
from rtdet.batch.run import Wish
from rtdet.batch.settings import Settings
from rtdet.batch.tasks import WHOLE, Task
from rtdet.errors import UsageError

# A trial ends after so many seconds of the film, or of work.
_TRIAL_S = 20.0
# Loading the model, and fetching it, is no part of the trial.
_LOADING_S = 300.0
_TRIALS_A_KIND = 3
_MOST_NAMED = 20
# Of more files of a kind, so many tell how long they are.
_MOST_MEASURED = 2_000
_USUAL_FPS = 25.0


@dataclass
class Kind:
    """Sources of one suffix and with the same settings of their rows."""

    name: str
    count: int = 0
    examples: list[Source] = field(default_factory=list)
    bytes_of_examples: int = 0

    # What the trial found.
    frames_per_s: float = 0.0
    bytes_per_s: float = 0.0
    fps: float = _USUAL_FPS
    size: str = ""
    error: str = ""

    @property
    def video_s(self) -> float:
        """Seconds of video, by the bytes of some of them and those of a second of the one that was tried."""
        if not self.bytes_per_s or not self.examples:
            return 0.0
        return self.bytes_of_examples / self.bytes_per_s / len(self.examples) * self.count

    @property
    def core_s(self) -> float:
        """Seconds of work of a worker of one core."""
        return self.video_s * self.fps / self.frames_per_s if self.frames_per_s else 0.0


def dry_run(wish: Wish) -> Iterator[str]:
    """Line by line; writes nothing. Raises as a batch does."""
    layout = Layout(wish.out)
    with Journal(None) as journal:
        journal.add(list_sources(wish.sources, without=layout.folder))
        settings = wish.settings or Settings()
        done = 0
        if layout.journal.is_file():
            with Journal(layout.journal, reads_only=True) as known:
                about = known.about()
            settings = Settings.from_dict(about.get("settings", {})) if wish.settings is None else settings
            done = journal.take_over(layout.journal)
        counts = journal.counts()
        if not counts.total:
            raise UsageError("no sources are named: rtdet batch VIDEOS --out DIR --dry-run")
        left = counts.waiting + counts.in_pieces
        yield f"{left} source{'s' if left != 1 else ''} to work through" + (
            f", {done} are done" if done else ""
        )
        for count, source in enumerate(_left(journal)):
            if count == _MOST_NAMED:
                yield f"  and {left - count} more"
                break
            yield f"  {shown_source(source.source)}"
        kinds = _kinds(journal)
        staff = wish.engine.staff(str(settings.run.get("device", "auto")))
        limits = Limits(staff.cores, staff.memory_bytes, wish.engine.stalled_s)
        yield from _tried(kinds, settings, limits)
        yield from _cost(kinds, staff.workers, staff.cores)
        if staff.note:
            yield staff.note


def _left(journal: Journal) -> Iterator[Source]:
    return (source for source in journal.all() if source.state not in (DONE, FAILED))


def _kinds(journal: Journal) -> Sequence[Kind]:
    kinds: dict[tuple[str, str], Kind] = {}
    for source in _left(journal):
        suffix = os.path.splitext(source.source.partition("?")[0])[1].lower() or "without suffix"
        own = json.dumps(source.settings, sort_keys=True) if source.settings else ""
        kind = kinds.setdefault((suffix, own), Kind(suffix + (" with settings of its row" if own else "")))
        kind.count += 1
        if len(kind.examples) < _MOST_MEASURED:
            kind.examples.append(source)
    for kind in kinds.values():
        sizes = [_bytes_of(source.source) for source in kind.examples]
        known = [size for size in sizes if size]
        usual = sum(known) / len(known) if known else 0.0
        kind.bytes_of_examples = round(sum(size or usual for size in sizes))
        kind.examples.sort(key=lambda source: abs(_bytes_of(source.source) - usual))
    return sorted(kinds.values(), key=lambda kind: -kind.count)


def _bytes_of(source: str) -> int:
    try:
        return os.stat(source).st_size
    except OSError:
        return 0


def _tried(kinds: Sequence[Kind], settings: Settings, limits: Limits) -> Iterator[str]:
    engine = LocalEngine(1, limits)
    try:
        with TemporaryDirectory(prefix="rtdet-") as folder:
            for number, kind in enumerate(kinds):
                for trial, source in enumerate(kind.examples[:_TRIALS_A_KIND]):
                    place = Path(folder, f"{number}-{trial}")
                    place.mkdir()
                    _try(kind, source, settings, engine, place)
                    if not kind.error:
                        break
                if kind.error:
                    yield f"  {kind.name}: {kind.error}"
    finally:
        engine.close()


def _try(kind: Kind, source: Source, base: Settings, engine: LocalEngine, folder: Path) -> None:
    """Works through the beginning of a source, and notes what that took."""
    settings = Settings.from_dict(source.settings or {}).over(base)
    short = {"duration": min(_TRIAL_S, settings.run.get("duration") or _TRIAL_S)}
    settings = Settings({**settings.run, **short}, settings.files)
    engine.start(Task(WHOLE, source.number, source.key, source.source, settings.as_dict(), str(folder)))
    begin = time.monotonic()
    first: tuple[float, int] | None = None
    kind.error = ""
    while True:
        for event in engine.wait(0.2):
            if event.outcome is None or event.outcome.error:
                kind.error = event.crash or (event.outcome.error if event.outcome else "")
                return
            stats = json.loads((folder / STATS_FILE).read_text(encoding="utf-8"))
            _note(kind, event.outcome.facts, stats["fps"]["inference"] or 0.0)
            return
        now = time.monotonic()
        (running,) = engine.running()
        if running.progress.frames and first is None:
            first = now, running.progress.frames
        if (first is not None and now - first[0] > _TRIAL_S) or now - begin > _LOADING_S + _TRIAL_S:
            since, frames = first or (begin, 0)
            rate = (running.progress.frames - frames) / (now - since)
            length_s = running.progress.time_s
            facts: dict[str, Any] = {"bytes": _bytes_of(source.source), "duration_s": None}
            if length_s and running.progress.frames:
                facts["fps"] = running.progress.frames / length_s
            engine.close()
            _note(kind, facts | _header(source.source), rate)
            return


def _header(source: str) -> dict[str, Any]:
    """What the header of a film says, which the trial has opened already without harm."""
    from rtdet.errors import RtdetError
    from rtdet.video.sources import open_source

    try:
        opened = open_source(source)
    except RtdetError:
        return {}
    info = opened.info
    opened.close()
    known = {"duration_s": info.duration_s, "fps": info.fps, "width": info.width, "height": info.height}
    return {name: value for name, value in known.items() if value}


def _note(kind: Kind, facts: dict[str, Any] | Any, frames_per_s: float) -> None:
    kind.frames_per_s = frames_per_s
    kind.fps = facts.get("fps") or _USUAL_FPS
    if facts.get("width"):
        kind.size = f"{facts['width']}x{facts['height']}"
    if facts.get("duration_s") and facts.get("bytes"):
        kind.bytes_per_s = facts["bytes"] / facts["duration_s"]


def _cost(kinds: Sequence[Kind], workers: int, cores: int) -> Iterator[str]:
    core_s = 0.0
    for kind in kinds:
        if kind.error or not kind.frames_per_s:
            continue
        of_kind = kind.core_s * cores
        core_s += of_kind
        length = f"about {duration(kind.video_s)} of video, " if kind.video_s else ""
        yield (
            f"  {kind.count} {kind.name}: {length}{kind.size or 'size unknown'}, "
            f"{kind.frames_per_s:.0f} frames/s of a worker, about {duration(of_kind)} of a core"
        )
    video_s = sum(kind.video_s for kind in kinds)
    if core_s:
        yield (
            f"about {duration(video_s)} of video, {core_s / 3600:.2f} core-hours; with {workers} "
            f"worker{'s' if workers > 1 else ''} of this machine about {duration(core_s / cores / workers)}"
        )
