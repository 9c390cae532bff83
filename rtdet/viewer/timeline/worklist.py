"""What of the tracks is worth a look: gone through one by one, and ticked off."""

from __future__ import annotations

from dataclasses import dataclass

from rtdet.tracks.doubts import Finding, find_doubts
from rtdet.tracks.table import TrackTable
from rtdet.viewer.jobs import Jobs
from rtdet.viewer.review import Review
from rtdet.viewer.watched import WatchedState

# Nobody looks at more of them one by one.
MOST = 500


@dataclass(eq=False)
class Worklist(WatchedState):
    """The findings of a review's table, the most doubtful first. Belongs to the GUI's thread.

    findings: found in a worker thread once somebody has asked for them, and anew after each change of the tracks.
    current:  the one that was looked at last; None: none yet.
    is_busy:  they are being found.
    Which are ticked off is the review's (`Review.looked_at`).
    """

    findings: tuple[Finding, ...] = ()
    current: Finding | None = None
    is_busy: bool = False

    def attend(self, review: Review, jobs: Jobs) -> None:
        """Finds what is worth a look in the review's tracks from now on, once `want` was called."""
        self._review, self._jobs = review, jobs
        self._is_wanted = False
        review.watch("table", self._table_changed)

    def want(self) -> None:
        """Somebody looks at the list."""
        if not self._is_wanted:
            self._is_wanted = True
            self._table_changed(self._review.table)

    def _table_changed(self, table: TrackTable | None) -> None:
        if table is None:
            self.findings, self.current = (), None
        if table is None or not self._is_wanted:
            return
        review = self._review

        def find() -> tuple[Finding, ...] | None:
            if review.table is not table:  # a newer one has come while this one waited
                return None
            return tuple(find_doubts(table)[:MOST])

        def found(findings: tuple[Finding, ...] | None) -> None:
            if findings is not None and review.table is table:
                self.findings, self.is_busy = findings, False

        self.is_busy = True
        self._jobs.run(find, done=found, lane="worklist", is_awaited=False)

    # Going through them

    def is_ticked(self, finding: Finding) -> bool:
        return key_of(finding) in self._review.looked_at

    def tick(self, finding: Finding, is_ticked: bool = True) -> None:
        """Ticks one off, or takes that back."""
        key = frozenset({key_of(finding)})
        looked_at = self._review.looked_at
        self._review.looked_at = looked_at | key if is_ticked else looked_at - key
        self._review.on_looked_at()

    def left(self) -> int:
        """How many are not ticked off."""
        return sum(not self.is_ticked(finding) for finding in self.findings)

    def turn(self, step: int) -> Finding | None:
        """Goes to the next one that is not ticked off (1), or the one before (-1); None where there is none."""
        at = self.place_of(self.current)
        at = (-1 if step > 0 else len(self.findings)) if at is None else at
        for place in range(at + step, len(self.findings) if step > 0 else -1, step):
            if not self.is_ticked(self.findings[place]):
                self.current = self.findings[place]
                return self.current
        return None

    def place_of(self, finding: Finding | None) -> int | None:
        """Where in the list it is; of one that is there no more, where one of the same frame is."""
        if finding is None:
            return None
        keys = [key_of(one) for one in self.findings]
        if key_of(finding) in keys:
            return keys.index(key_of(finding))
        return next((place for place, one in enumerate(self.findings) if one.frame == finding.frame), None)


def key_of(finding: Finding) -> str:
    """What names a finding from one time to the next: "crossing 120 3 7"."""
    return " ".join(map(str, (finding.kind, finding.frame, *finding.ids)))
