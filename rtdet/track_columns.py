"""The values of a track in a frame that track files hold and labels show: one `Column` each.

To add a value of a track (its speed, how long it has stayed, ...): one line in FURTHER, and the code that computes
it. That code is either the column's own `of`, from what Tracks holds anyway, or it fills `Tracks.values[name]`. All
formats then write the value and read it back, `TrackTable.values` holds it, the offline tools carry it along, and
with `label` it is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rtdet.types import Tracks

AnyArray = npt.NDArray[Any]
_DTYPES: dict[type, Any] = {int: np.int64, float: np.float64, bool: np.bool_, str: np.object_}


@dataclass(frozen=True)
class Column:
    """One value of each row.

    name     what it is called in every file that names its columns.
    kind     int, float, bool or str.
    default  the value of a row in a file that does not say.
    digits   places after the point that are written; None: all of them (six digits in a text file).
    files    the suffixes of the formats that have it; empty: all formats have it.
    of       its values (N,) from the tracks of a frame, where `Tracks.values` has none; None: the default.
    filled   the value of a row that the offline tools add in a gap; None: that of the row before the gap.
    label    the words for a value in the label of the track's box, "" for none; None: it is never drawn.
    is_optional  only files of runs that know the value have it; a float whose default is NaN may be missing in a row.
    """

    name: str
    kind: type
    default: Any = None
    digits: int | None = None
    files: tuple[str, ...] = ()
    of: Callable[[Tracks], AnyArray] | None = None
    filled: Any = None
    label: Callable[[Any], str] | None = None
    is_optional: bool = False

    @property
    def dtype(self) -> Any:
        """The NumPy type of its values."""
        return _DTYPES[self.kind]

    @property
    def may_be_missing(self) -> bool:
        """Whether NaN is a value: that of a row which has none."""
        return self.kind is float and self.default is not None and math.isnan(self.default)

    def is_in(self, suffix: str) -> bool:
        """Whether files of this suffix have the column."""
        return not self.files or suffix in self.files

    def values(self, tracks: Tracks) -> AnyArray:
        """(N,) the column's values for these tracks."""
        if self.name in tracks.values:
            return np.asarray(tracks.values[self.name], dtype=self.dtype)
        if self.of is not None:
            return np.asarray(self.of(tracks), dtype=self.dtype)
        return np.full(len(tracks), self.default, dtype=self.dtype)

    def written(self, value: Any) -> Any:
        """The value as it is written to a file: a Python value, rounded; never -0.0; None where it is missing."""
        if self.kind is not float:
            return self.kind(value)
        if self.may_be_missing and math.isnan(value):
            return None
        return (float(value) if self.digits is None else round(float(value), self.digits)) + 0.0

    @property
    def template(self) -> str:
        """The format string that turns a written value into text, as in `"%.2f" % value`."""
        if self.kind is not float:
            return "%s" if self.kind is str else "%d"
        return "%.6g" if self.digits is None else f"%.{self.digits}f"

    def parsed(self, value: Any) -> Any:
        """The value of a cell as a file has it, a text or a number; the default where there is none.

        Raises ValueError or TypeError where it is not of this kind."""
        if value is None or value == "":
            return self.default
        if self.kind is bool and isinstance(value, str) and value.strip().lower() in ("true", "false"):
            return value.strip().lower() == "true"  # as pandas writes it
        return self.kind(value) if self.kind is str else self.kind(float(value))


TIME = Column("time_s", float, digits=6, files=(".csv", ".parquet"))
SCORE = Column("score", float, default=1.0, digits=4, filled=0.0)
BOX = tuple(Column(side, float, digits=2) for side in ("left", "top", "width", "height"))


def _measured(name: str, digits: int, label: Callable[[Any], str] | None = None) -> Column:
    """What only a run with a scale of the ground knows; NaN is a row that has none."""
    files = (".csv", ".jsonl", ".parquet", ".json")
    return Column(name, float, math.nan, digits, files, filled=math.nan, label=label, is_optional=True)


# What every row has, in the order of a table's header; a .txt has an order of its own, and .jsonl and .json say some
# of it by their layout.
BASIC = (
    Column("frame", int),
    TIME,
    Column("id", int),
    Column("class_id", int, default=1, files=(".txt", ".parquet")),
    Column("class", str, files=(".csv", ".jsonl", ".parquet")),
    SCORE,
    *BOX,
)
# In tables of frames that are files of their own, behind all others; .jsonl and .json name the file with the frame.
FILE_NAME = Column("file_name", str, default="", files=(".csv", ".parquet"))
# What else is known of a track in a frame. In a table these come last, in this order.
FURTHER: tuple[Column, ...] = (
    # MOTChallenge's, measured by its annotators. Of a track that was not seen it is 0: such files have no `seen`.
    Column("visibility", float, default=1.0, files=(".txt",)),
    # Whether the detector saw it in this very frame; else the box is where the tracker, or `rtdet tracks fill`, holds
    # it to be.
    Column(
        "seen",
        bool,
        default=True,
        files=(".csv", ".jsonl", ".parquet", ".json"),
        of=lambda tracks: tracks.since_update_s == 0,
        filled=False,
    ),
    # On the ground, of runs whose zones file has a scale (see `rtdet.ground`), in m/s; labels have km/h, whatever it
    # is. MOTChallenge's rows, whose columns have no names, are without them.
    _measured("speed", 3, lambda speed: "" if math.isnan(speed) else f"{speed * 3.6:.0f} km/h"),
    _measured("speed_se", 3),
    _measured("distance_m", 2),
)


def columns_of(suffix: str, *, with_names: bool = False, known: Collection[str] = ()) -> tuple[Column, ...]:
    """All columns that files of this suffix have; `with_names` those whose frames are files of their own; of the
    optional ones those that are `known` by name."""
    names = (FILE_NAME,) if with_names else ()
    columns = (*BASIC, *FURTHER, *names)
    return tuple(one for one in columns if one.is_in(suffix) and (not one.is_optional or one.name in known))


def further_of(suffix: str, known: Collection[str] = ()) -> tuple[Column, ...]:
    """The columns of files of this suffix beyond the basic ones; of the optional ones those that are `known`."""
    return tuple(one for one in FURTHER if one.is_in(suffix) and (not one.is_optional or one.name in known))


def kept(known: Collection[str]) -> tuple[Column, ...]:
    """The further columns of tracks of which the values `known` by name are at hand."""
    return tuple(one for one in FURTHER if not one.is_optional or one.name in known)


def drawn_values(tracks: Tracks) -> list[list[str]]:
    """For each track, the words that its label shows for its further values, in order of column."""
    words: list[list[str]] = [[] for _ in range(len(tracks))]
    for column in kept(tracks.values):
        if column.label is not None:
            for of_track, value in zip(words, column.values(tracks).tolist(), strict=True):
                of_track.append(column.label(value))
    return [[word for word in of_track if word] for of_track in words]
