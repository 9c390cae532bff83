"""What a batch would do and what it would cost, from a trial of each kind of file."""

from __future__ import annotations

import json
import math
import os
import stat
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
from rtdet.batch.progress import duration, failure_line, shown_source
from rtdet.batch.run import Wish
from rtdet.batch.settings import Settings
from rtdet.batch.tasks import WHOLE, Task
from rtdet.errors import UsageError
from rtdet.terminal import rate

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
    """Sources of one suffix and with the same settings: those of their rows over those of the batch. examples: as
    many as are measured, and the bytes of each, 0 where they are not known; without those in `faults`, of which each
    line says what is wrong."""

    name: str
    settings: Settings = field(default_factory=Settings)
    count: int = 0
    examples: list[Source] = field(default_factory=list)
    bytes_of_each: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    # What the trial found.
    frames_per_s: float = 0.0
    bytes_per_s: float = 0.0
    fps: float = _USUAL_FPS
    size: str = ""
    error: str = ""

    @property
    def video_s(self) -> float:
        """Seconds of video to be looked at, by the bytes of some of them and those of a second of the one that was
        tried, or as many as are asked for of each."""
        looked_at = [
            self._looked_at_s(size / self.bytes_per_s if size else math.inf) for size in self._sizes()
        ]
        measured = len(looked_at) + len(self.faults)
        length_s = sum(looked_at)
        return length_s / measured * self.count if measured and math.isfinite(length_s) else 0.0

    def _sizes(self) -> Sequence[float]:
        """The bytes of each of the examples; of what has none, as others have; 0 where nothing tells."""
        known = [size for size in self.bytes_of_each if size]
        if not known or not self.bytes_per_s:
            return [0.0] * len(self.examples)
        return [size or sum(known) / len(known) for size in self.bytes_of_each]

    def _looked_at_s(self, length_s: float) -> float:
        """Of a source of `length_s` seconds as many as its run goes through."""
        run = self.settings.run
        most_s = min(run.get("duration") or math.inf, (run.get("max_frames") or math.inf) / self.fps)
        return max(0.0, min(length_s - (run.get("start") or 0.0), most_s))

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
        if layout.journal.is_file():
            with Journal(layout.journal, reads_only=True) as known:
                about = known.about()
            settings = Settings.from_dict(about.get("settings", {})) if wish.settings is None else settings
            journal.take_over(layout.journal, with_failures=not wish.retry_failed)
        counts = journal.counts()
        if not counts.total:
            raise UsageError("no sources are named: rtdet batch VIDEOS --out DIR --dry-run")
        left = counts.waiting + counts.in_pieces
        done = f", {counts.done} are done" if counts.done else ""
        failed = f", {counts.failed} failed (rtdet batch retry tries those again)" if counts.failed else ""
        yield f"{left} source{'s' if left != 1 else ''} to work through{done}{failed}"
        for count, source in enumerate(_left(journal)):
            if count == _MOST_NAMED:
                yield f"  and {left - count} more"
                break
            yield f"  {shown_source(source.source)}"
        kinds = _kinds(journal, settings)
        yield from _faults(kinds)
        staff = wish.engine.staff(str(settings.run.get("device", "auto")))
        limits = Limits(staff.cores, staff.memory_bytes, wish.engine.stalled_s)
        yield from _tried(kinds, limits)
        yield from _cost(kinds, staff.workers, staff.cores)
        if staff.note:
            yield staff.note


def _left(journal: Journal) -> Iterator[Source]:
    return (source for source in journal.all() if source.state not in (DONE, FAILED))


def _kinds(journal: Journal, base: Settings) -> Sequence[Kind]:
    kinds: dict[tuple[str, str], Kind] = {}
    for source in _left(journal):
        suffix = os.path.splitext(source.source.partition("?")[0])[1].lower() or "without suffix"
        own = json.dumps(source.settings, sort_keys=True) if source.settings else ""
        kind = kinds.get((suffix, own))
        if kind is None:
            name = suffix + (" with settings of its row" if own else "")
            kind = kinds[suffix, own] = Kind(name, Settings.from_dict(source.settings or {}).over(base))
        kind.count += 1
        if len(kind.examples) + len(kind.faults) < _MOST_MEASURED:
            size, fault = _look(source.source)
            if fault:
                kind.faults.append(fault)
            else:
                kind.examples.append(source)
                kind.bytes_of_each.append(size)
    return sorted(kinds.values(), key=lambda kind: -kind.count)


def _look(source: str) -> tuple[int, str]:
    """The bytes of a file, 0 of what is none; and what is wrong with it, as far as that costs nothing to find out."""
    if not os.path.isabs(source):
        return 0, ""  # an address, the demo
    try:
        known = os.stat(source)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return 0, f"{shown_source(source)}: {reason.lower()}"
    if not stat.S_ISREG(known.st_mode):
        return 0, ""
    return known.st_size, "" if known.st_size else f"{shown_source(source)} is empty (0 bytes)"


def _faults(kinds: Sequence[Kind]) -> Iterator[str]:
    faults = [fault for kind in kinds for fault in kind.faults]
    looked_at = sum(len(kind.examples) + len(kind.faults) for kind in kinds)
    if not faults:
        return
    of_some = (
        f" of the {looked_at} that were looked at" if looked_at < sum(kind.count for kind in kinds) else ""
    )
    yield f"{len(faults)}{of_some} would fail:"
    for fault in faults[:_MOST_NAMED]:
        yield f"  {fault}"
    if len(faults) > _MOST_NAMED:
        yield f"  and {len(faults) - _MOST_NAMED} more"


def _to_be_tried(kind: Kind) -> Sequence[tuple[Source, int]]:
    """Those that are most like the others, and their bytes."""
    usual = sum(kind.bytes_of_each) / max(1, len(kind.bytes_of_each))
    by_size = sorted(zip(kind.examples, kind.bytes_of_each, strict=True), key=lambda one: abs(one[1] - usual))
    return by_size[:_TRIALS_A_KIND]


def _tried(kinds: Sequence[Kind], limits: Limits) -> Iterator[str]:
    """Tries some of each kind until one works, and says why the others did not."""
    engine = LocalEngine(1, limits)
    try:
        with TemporaryDirectory(prefix="rtdet-") as folder:
            for number, kind in enumerate(kinds):
                for trial, (source, size) in enumerate(_to_be_tried(kind)):
                    place = Path(folder, f"{number}-{trial}")
                    place.mkdir()
                    _try(kind, source, size, engine, place)
                    if not kind.error:
                        break
                    yield f"tried, and it failed: {failure_line(source.source, kind.error)}"
    finally:
        engine.close()


def _try(kind: Kind, source: Source, size: int, engine: LocalEngine, folder: Path) -> None:
    """Works through the beginning of a source, and notes what that took."""
    settings = kind.settings
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
            per_second = (running.progress.frames - frames) / (now - since)
            length_s = running.progress.time_s
            facts: dict[str, Any] = {"bytes": size, "duration_s": None}
            if length_s and running.progress.frames:
                facts["fps"] = running.progress.frames / length_s
            engine.close()
            _note(kind, facts | _header(source.source), per_second)
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
            f"{rate(kind.frames_per_s)} of a worker, about {duration(of_kind)} of a core"
        )
    video_s = sum(kind.video_s for kind in kinds)
    if core_s:
        yield (
            f"about {duration(video_s)} of video, {core_s / 3600:.2f} core-hours; with {workers} "
            f"worker{'s' if workers > 1 else ''} of this machine about {duration(core_s / cores / workers)}"
        )
