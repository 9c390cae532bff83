"""What travels between the driver of a batch and its workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# The kinds of tasks.
WHOLE, PIECE, JOIN = "whole", "piece", "join"


@dataclass(frozen=True)
class Cut:
    """How a source may be cut into pieces: exactly `count` of them, or as many as have `length_s` seconds; `least` of
    them where workers would have nothing else to do, as long as they are not too short for that."""

    count: int | None = None
    length_s: float = 600.0
    least: int = 1


@dataclass(frozen=True)
class Task:
    """Something for a worker to do with a source.

    kind:    WHOLE works through it in one pass, or says where to cut it; PIECE has the detector look at one piece;
             JOIN tracks through all pieces. number, key: the source's, in the journal. settings: `Settings.as_dict`.
    folder:  where to write; nobody else does. cut: None where the source may not be cut.
    piece:   which; it has the pictures of the container's times from `begin` to before `end` (None: to the ends).
    files:   of the finished pieces, in order.
    """

    kind: str
    number: int
    key: str
    source: str
    settings: Mapping[str, Any]
    folder: str
    cut: Cut | None = None
    piece: int = 0
    begin: int | None = None
    end: int | None = None
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    facts:   of the source, by the columns of the `sources` table.
    cuts:    the container's times at which the source is to be cut, where it is.
    error:   why the task failed, in one line; "" where it did not. error_kind: the class of the error.
    is_final: to try again would not help. is_of_batch: the error is none of the source's: the disk is full.
    not_joinable: why the pieces are not what one pass gives; the source is then to be done in one.
    """

    facts: Mapping[str, Any] = field(default_factory=dict)
    cuts: tuple[int, ...] = ()
    error: str = ""
    error_kind: str = ""
    is_final: bool = False
    is_of_batch: bool = False
    exit_code: int = 1
    not_joinable: str = ""


@dataclass(frozen=True)
class Progress:
    """How far a worker is: `frames` of its task, `time_s` seconds of the source's time. is_loading: it loads, or
    fetches, its model."""

    frames: int = 0
    time_s: float = 0.0
    is_loading: bool = False
