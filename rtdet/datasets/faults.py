"""Rows of labels that cannot be read: an error in a training, and an entry of a list in a check."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rtdet.errors import UsageError

UNREADABLE_LABELS = "unreadable labels"
PATH_OUTSIDE = "path outside"
# Why a box is lost that nobody can read.
UNREADABLE = "that cannot be read"
# Why a box is lost that no class is known of.
NAMELESS = "of a class that has no name"
# Why nobody knows which class a box is of.
AMBIGUOUS = "of a class id that two classes have"


@dataclass(frozen=True)
class Finding:
    """Something wrong that a reader came across: what kind, where, and what in words.

    boxes, pictures: how many of the labels are lost by it. noted: how many are only elsewhere, or other than they
    should be. why: the reason, as it goes on after "3 boxes ..."; "" for the kind.
    """

    kind: str
    where: str
    text: str
    boxes: int = 0
    pictures: int = 0
    noted: int = 0
    why: str = ""


class LabelError(UsageError):
    """`why` something in the labels cannot be read; the message says before it which file that is."""

    kind = UNREADABLE_LABELS

    def __init__(self, file: str, why: str) -> None:
        super().__init__(f"{file}: {why}")
        self.why = why


class PathError(LabelError):
    """A path that leaves the data set's folder."""

    kind = PATH_OUTSIDE


class Faults:
    """What a reader does about a row, or a file of one picture, that cannot be read: raise its UsageError, or, where
    it is `tolerant`, note it among its `findings` and go on without it."""

    def __init__(self, *, tolerant: bool) -> None:
        self.tolerant = tolerant
        self.findings: list[Finding] = []

    @contextmanager
    def noted(self, where: str) -> Iterator[None]:
        """Around the reading of one row; where: the picture's file or id, or the file of its labels."""
        try:
            yield
        except UsageError as error:
            if not self.tolerant:
                raise
            if isinstance(error, LabelError):
                outside = int(error.kind == PATH_OUTSIDE)
                self.findings.append(
                    Finding(error.kind, where, error.why, 1 - outside, outside, why=UNREADABLE)
                )
            else:
                self.findings.append(Finding(UNREADABLE_LABELS, where, str(error), boxes=1, why=UNREADABLE))


STRICT = Faults(tolerant=False)
