"""The driver of a batch: gives tasks to an engine, puts what comes of them in its place, and notes it."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from rtdet.batch.data_set import write_sources
from rtdet.batch.engines.engine import Engine, Event
from rtdet.batch.journal import Journal, Source
from rtdet.batch.layout import PIECE_FILE, Layout
from rtdet.batch.settings import Settings
from rtdet.batch.tasks import JOIN, PIECE, WHOLE, Cut, Outcome, Task
from rtdet.errors import RtdetError

log = logging.getLogger("rtdet.batch")

_WAIT_S = 0.5
# A machine that is lost while it works on a source is no fault of the source, unless that happens every time.
_MOST_LOST = 10
# Where no more sources wait than so many for each worker, their order decides when all are done.
_LOOKED_AHEAD = 8
_PIECES_A_WORKER = 2


@dataclass(frozen=True)
class Plan:
    """How a batch is worked through. base: what is done with each source. cut: how long ones are cut. retries: how
    often a source that failed is tried again."""

    base: Settings
    cut: Cut = field(default_factory=Cut)
    retries: int = 1


class StoppedError(RtdetError):
    """The batch cannot go on, through no fault of a source."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Driver:
    """Works through what the journal has; see `run`."""

    def __init__(self, layout: Layout, journal: Journal, engine: Engine, plan: Plan) -> None:
        self._layout, self._journal, self._engine, self._plan = layout, journal, engine, plan
        self._busy: dict[tuple[int, int], Task] = {}  # by the number of the source and, of a piece, its own
        self._lost: dict[int, int] = {}
        self._has_done_one = False
        self._sizes: dict[int, int] = {}

    def run(self, is_over: Callable[[], bool], tell: Callable[[], None]) -> None:
        """Until nothing is left to be done, or `is_over`. `tell` is called twice a second and after each task. Raises
        StoppedError and OutputError."""
        self._layout.clear_attempts()
        try:
            while not is_over():
                self._give_out()
                if not self._busy and not self._journal.is_left():
                    break
                for event in self._engine.wait(_WAIT_S):
                    self._ended(event)
                tell()
        finally:
            self._engine.close()
            self._layout.clear_attempts()
            if not self._journal.is_left():
                self._layout.forget_all_pieces()  # a kill may have left some
        write_sources(self._journal, self._layout.sources)

    # Giving out

    def _give_out(self) -> None:
        """Has each worker that is free do what is next: first what completes a source, then what is begun."""
        while (free := self._engine.free()) > 0:
            tasks = self._next(free)
            if not tasks:
                return
            for task in tasks:
                self._engine.start(task)

    def _next(self, free: int) -> list[Task]:
        tasks: list[Task] = []
        numbers = {number for number, _ in self._busy}
        for source in self._journal.joinable(numbers)[:free]:
            count = self._journal.pieces_of(source.number)
            files = tuple(str(self._layout.piece(source.key, piece)) for piece in range(count))
            if missing := [piece for piece, file in enumerate(files) if not os.path.exists(file)]:
                log.warning("%s: piece %d is gone; it is worked through again", source.source, missing[0])
                self._journal.make_one(source.number, is_one=False)
                continue
            tasks.append(self._task(JOIN, source, files=files))
        for piece in self._journal.waiting_pieces(set(self._busy), free - len(tasks)):
            tasks.append(self._task(PIECE, piece.source, piece=piece.piece, begin=piece.begin, end=piece.end))
        if (left := free - len(tasks)) > 0:
            sources, cut = self._to_be_begun(left)
            for source in sources:
                tasks.append(self._task(WHOLE, source, cut=None if source.is_one else cut))
        return tasks

    def _to_be_begun(self, most: int) -> tuple[list[Source], Cut]:
        """What is to be done next of the sources that wait, and how those may be cut. At the end long ones come
        first, and what is left is cut into more pieces, so that no worker stands by while another has much to do."""
        workers = self._engine.workers()
        many = max(most, _LOOKED_AHEAD * workers)
        found = self._journal.waiting({number for number, _ in self._busy}, many)
        if len(found) < many:
            found.sort(key=lambda source: (source.attempts, -self._bytes_of(source), source.number))
        cut = self._plan.cut
        if 0 < len(found) < workers:
            cut = replace(cut, least=_PIECES_A_WORKER * -(-workers // len(found)))
        return found[:most], cut

    def _bytes_of(self, source: Source) -> int:
        if source.number not in self._sizes:
            self._sizes[source.number] = 0
            with suppress(OSError, ValueError):  # an address; it is gone; no path
                self._sizes[source.number] = os.stat(source.source).st_size
        return self._sizes[source.number]

    def _task(
        self,
        kind: str,
        source: Source,
        *,
        cut: Cut | None = None,
        piece: int = -1,
        begin: int | None = None,
        end: int | None = None,
        files: tuple[str, ...] = (),
    ) -> Task:
        settings = Settings.from_dict(source.settings or {}).over(self._plan.base)
        folder = self._layout.attempt(f"{source.key[:40]}.{secrets.token_hex(6)}")
        task = Task(
            kind,
            source.number,
            source.key,
            source.source,
            settings.as_dict(),
            str(folder),
            cut,
            piece,
            begin,
            end,
            files,
        )
        self._busy[task.number, task.piece] = task
        return task

    # Taking in

    def _ended(self, event: Event) -> None:
        task, outcome = event.task, event.outcome
        self._busy.pop((task.number, task.piece), None)
        folder = Path(task.folder)
        try:
            if outcome is None:
                self._crashed(event)
            elif outcome.error:
                self._failed(task, outcome)
            elif outcome.not_joinable:
                self._in_one(task, outcome.not_joinable)
            elif outcome.cuts:
                self._journal.cut(task.number, outcome.cuts, outcome.facts)
            elif task.kind == PIECE:
                self._piece_done(task, folder, outcome)
            else:
                self._source_done(task, folder, outcome)
        finally:
            self._layout.remove(folder)

    def _source_done(self, task: Task, folder: Path, outcome: Outcome) -> None:
        facts = {**outcome.facts, "pieces": max(1, len(task.files))}
        if task.kind == JOIN:
            facts["seconds"] += self._journal.seconds_of_pieces(task.number)
        self._layout.put_source(task.key, folder)
        self._journal.done(task.number, facts)
        self._layout.forget_pieces(task.key)
        self._has_done_one = True

    def _piece_done(self, task: Task, folder: Path, outcome: Outcome) -> None:
        if not self._journal.is_waiting_piece(task.number, task.piece):
            return  # the source was given up, or is done in one, in the meantime
        self._layout.put_piece(task.key, task.piece, folder / PIECE_FILE)
        self._journal.piece_done(task.number, task.piece, outcome.facts.get("seconds", 0.0))
        self._has_done_one = True

    def _in_one(self, task: Task, reason: str) -> None:
        log.info("%s is worked through in one: %s", task.source, reason)
        self._journal.make_one(task.number)
        self._layout.forget_pieces(task.key)

    def _crashed(self, event: Event) -> None:
        task = event.task
        if event.is_lost:
            self._lost[task.number] = self._lost.get(task.number, 0) + 1
            if self._lost[task.number] <= _MOST_LOST:
                return
        self._failed(task, Outcome(error=event.crash, facts={"machine": event.machine}))

    def _failed(self, task: Task, outcome: Outcome) -> None:
        if outcome.is_of_batch:
            what = outcome.error.partition(";")[0]
            remedy = "free some space" if "full" in what else "see to that"  # it may be read-only
            raise StoppedError(
                f"{what}; {remedy}, and go on: rtdet batch --out {self._layout.folder}", outcome.exit_code
            )
        if task.kind == PIECE and not self._journal.is_waiting_piece(task.number, task.piece):
            return  # the source was given up, or is done in one, in the meantime
        source = self._journal.source(task.number)
        own = source.settings is not None and bool(source.settings.get("run"))
        if outcome.exit_code == 4 and not own and not self._has_done_one:
            raise StoppedError(outcome.error, outcome.exit_code)  # the model, and so that of all others
        is_final = outcome.is_final or source.attempts >= self._plan.retries
        if is_final and task.kind != WHOLE and not outcome.is_final:
            # Where a piece begins there may be nothing to decode; who comes from before it may get through.
            self._journal.failed(task.number, outcome.error, outcome.facts, is_final=False)
            self._in_one(task, outcome.error)
            return
        self._journal.failed(task.number, outcome.error, outcome.facts, is_final=is_final)
        if is_final:
            self._layout.forget_pieces(task.key)
            self._layout.forget_source(task.key)
