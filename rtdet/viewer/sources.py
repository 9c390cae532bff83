"""The sources of a window: a session for each."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import NamedTuple

from rtdet.config import RunConfig
from rtdet.source_list import free_name, name_of
from rtdet.viewer.notices import NoticeHandler
from rtdet.viewer.player import Severity
from rtdet.viewer.session import Session
from rtdet.viewer.window import WindowState

Given = Collection[str] | None


class Sources:
    """sessions: in the order in which they were added. make: a session for a source's settings, with nothing open.
    base: the settings of sources that are added in the window; given: which of them somebody gave.
    """

    def __init__(
        self,
        window: WindowState,
        make: Callable[[RunConfig, Given], Session],
        base: RunConfig,
        given: Given = None,
    ) -> None:
        self.sessions: list[Session] = []
        self._window, self._make, self._base, self._base_given = window, make, base, given
        self._named: dict[Session, tuple[str, str]] = {}  # the first source of each, and what it is called
        self._leaving: list[_Leaving] = []
        self._notices = NoticeHandler(lambda worked_for: worked_for is None and window.has_several)
        self._notices.install()

    def add(self, config: RunConfig, name: str = "", given: Given = None) -> Session:
        """A session for a source, which is not opened yet. name: what it is called in this window; given: the
        settings that somebody gave for it, where that is known."""
        session = self._make(config, given)
        self.sessions.append(session)
        self._named[session] = config.source, name
        session.player.watch("source", lambda _source: self._name_all())
        self._count()
        return session

    def _count(self) -> None:
        self._window.source_count = len(self.sessions)
        self._name_all()

    def _name_all(self) -> None:
        """Names tell several sources from each other; one alone is called as it is."""
        taken: set[str] = set()
        for session in self.sessions:
            source, given = self._named[session]
            now = session.player.source or source
            name = given if now == source else ""
            if not name and self._window.has_several:
                name = free_name(name_of(now), taken)
            taken.add(name)
            session.player.name = name

    def add_as_started(self, source: str) -> Session:
        """A session for a source with the settings with which the viewer was started; nothing is written of it."""
        config = replace(
            self._base.without_outputs(), source=source, start=0.0, duration=None, max_frames=None
        )
        return self.add(config, given=self._base_given)

    def remove(self, session: Session, timeout_s: float, then: Callable[[], None]) -> None:
        """Ends a session, its recording first of all. Never waits: `poll` sees it off, and calls `then`."""
        self.sessions.remove(session)
        del self._named[session]
        self._count()
        session.begin_close(timeout_s)
        self._leaving.append(_Leaving(session, time.monotonic() + timeout_s, then))

    def poll(self) -> None:
        """Called some twenty times a second."""
        for notice in self._notices.take():
            if notice.level >= logging.WARNING:
                self._window.say(notice.text, Severity.WARNING)
        for session in self.sessions:
            session.poll()
        for leaving in tuple(self._leaving):
            if not leaving.session.jobs.is_busy or time.monotonic() > leaving.until:
                self._leaving.remove(leaving)
                leaving.session.end_close(0.0)
                leaving.then()

    def close(self, timeout_s: float) -> None:
        """Ends all of them at once, within the time that one of them may take."""
        until = time.monotonic() + timeout_s
        leaving = [*self.sessions, *(one.session for one in self._leaving)]
        for session in self.sessions:
            session.begin_close(timeout_s)
        for session in leaving:
            session.end_close(max(until - time.monotonic(), 0.0))
        self._notices.remove()


class _Leaving(NamedTuple):
    """A session that ends, by when, and what is done then."""

    session: Session
    until: float
    then: Callable[[], None]
