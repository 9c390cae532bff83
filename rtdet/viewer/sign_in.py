"""What the viewer remembers of the sources that were opened, and what is secret of them: that stays in this process,
or in the system's keyring."""

from __future__ import annotations

from collections.abc import Callable

from rtdet.address import Address, hide_secrets
from rtdet.viewer import system_keyring
from rtdet.viewer.jobs import Jobs
from rtdet.viewer.names import absolute
from rtdet.viewer.window import WindowState

Given = Callable[[str, bool], None]


class SignIn:
    """Completes addresses that were remembered without their secrets: from this session, from the keyring, or by
    asking.

    ask: set by the window; asks for what an address lacks, and calls back with the whole one and whether the
    system's keyring is to have it.
    """

    def __init__(self, window: WindowState, jobs: Jobs) -> None:
        self.ask: Callable[[Address, Given], None] | None = None
        self._window, self._jobs = window, jobs
        self._whole: dict[str, str] = {}  # addresses of this session by what is shown of them
        self._asked_for: dict[str, str] = {}  # the other way round, for those that a person has completed
        self._for_keyring: set[str] = set()
        self._refused: set[str] = set()  # what the keyring has for them was wrong

    def complete(self, shown: str, found: Callable[[str], None], lacking: Callable[[str], None]) -> None:
        """Calls `found` with the whole address, at once or later; `lacking` with a line where nobody can be asked."""
        if shown in self._whole:
            found(self._whole[shown])
            return

        def given(whole: str, keep: bool) -> None:
            self._asked_for[whole] = shown
            if keep:
                self._for_keyring.add(whole)
            found(whole)

        def recalled(whole: str | None) -> None:
            if whole is not None:
                found(whole)
            elif self.ask is not None:
                self.ask(Address.parse(shown), given)
            else:
                lacking(f"{shown} needs its password again: open the whole address")

        if shown in self._refused:
            recalled(None)
        else:
            self._jobs.run(
                lambda: system_keyring.recall(shown), done=recalled, lane="keyring", is_awaited=False
            )

    def opened(self, source: str) -> None:
        """Remembers a source that could be opened."""
        shown = self._shown(source)
        self._window.add_recent(absolute(source) if shown == source else shown)
        self._whole[shown] = source
        self._refused.discard(shown)
        if source in self._for_keyring:
            self._for_keyring.discard(source)
            self._jobs.run(lambda: system_keyring.store(shown, source), is_awaited=False)

    def refused(self, source: str) -> None:
        """A source could not be opened: the next time its secrets are asked for."""
        self._refused.add(self._shown(source))
        self._for_keyring.discard(source)

    def _shown(self, source: str) -> str:
        return self._asked_for.get(source) or hide_secrets(source)
