"""How long the parts of a detector's call take: preparing pictures, the network, decoding with NMS."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import TypeVar

_Found = TypeVar("_Found")
_RECENT = 8


class PartTimes:
    """Measures `detect` of one detector, for one thread.

    last_ms: of the last whole call, or of the last pictures of `each` in the mean, milliseconds per picture:
    preprocess, infer and suppress (decoding and NMS). `infer` is the rest: with several pictures the network works
    while others are prepared, and what is left is the time that was truly waited for it. Empty before the first call.

    >>> times = PartTimes()
    >>> with times.call(pictures=2):
    ...     for _ in range(2):
    ...         with times.preprocess:
    ...             pass
    ...         with times.suppress:
    ...             pass
    >>> list(times.last_ms)
    ['preprocess', 'infer', 'suppress']
    """

    def __init__(self) -> None:
        self.preprocess, self.suppress = Part(), Part()
        self.last_ms: Mapping[str, float] = {}
        self._together = 1

    @contextmanager
    def call(self, pictures: int) -> Iterator[None]:
        """Measures a call for so many pictures; one that fails leaves the times of the call before."""
        self.preprocess.s = self.suppress.s = 0.0
        began = perf_counter()
        yield
        if pictures:
            self._note(self.preprocess.s, self.suppress.s, perf_counter() - began, pictures)

    def each(self, found: Iterable[_Found]) -> Generator[_Found]:
        """What a call gives for one picture after another; measures each, without what is done with it meanwhile."""
        # In the mean of a few: those that are in the network together come out of it together.
        recent = deque[tuple[float, float, float, int]](maxlen=_RECENT)
        answers, told = iter(found), 0
        while True:
            self.preprocess.s = self.suppress.s = 0.0
            self._together = 1
            began = perf_counter()
            try:
                answer = next(answers)
            except StopIteration:
                return
            if not told:
                told = self._together
                recent.append((self.preprocess.s, self.suppress.s, perf_counter() - began, told))
                self._note(*map(sum, zip(*recent, strict=True)))
            told -= 1
            yield answer

    def share(self, pictures: int) -> None:
        """Told before the first of so many answers of `each` is given, which were found at once: all have a like
        share of the time."""
        self._together = max(pictures, 1)

    def _note(self, preprocess_s: float, suppress_s: float, whole_s: float, pictures: float) -> None:
        a_picture = 1e3 / pictures
        self.last_ms = {
            "preprocess": preprocess_s * a_picture,
            "infer": max(whole_s - preprocess_s - suppress_s, 0.0) * a_picture,
            "suppress": suppress_s * a_picture,
        }


class Part:
    """Adds up the seconds that are spent inside of it."""

    __slots__ = ("_began", "s")

    def __init__(self) -> None:
        self.s = self._began = 0.0

    def __enter__(self) -> None:
        self._began = perf_counter()

    def __exit__(self, *_error: object) -> None:
        self.s += perf_counter() - self._began
