"""Times and rates in bounded memory: percentiles of a whole run and of its last moments."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Mapping, Sequence

RECENT_S = 2.0
# Of a stage the last so many times are what "now" means: two seconds at 30 frames a second.
_RECENT_COUNT = 60
PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


class Histogram:
    """Times in logarithmic buckets one per cent wide: percentiles of any number of values within 0.5 %,
    in at most some 2000 counters."""

    _PER_OCTAVE = 1 / math.log(1.01)
    _SMALLEST_MS = 1e-3

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, ms: float) -> None:
        ms = min(max(ms, self._SMALLEST_MS), 1e9)
        self._counts[round(math.log(ms / self._SMALLEST_MS) * self._PER_OCTAVE)] += 1

    def copy(self) -> Histogram:
        other = Histogram()
        other._counts.update(self._counts)
        return other

    def percentile(self, fraction: float) -> float:
        """The value that `fraction` of all values do not exceed (nearest rank); 0 without any."""
        return self.percentiles([fraction])[0]

    def percentiles(self, fractions: Sequence[float]) -> list[float]:
        """The values that these fractions of all values, in rising order, do not exceed; 0 without any."""
        total, seen, found = self._counts.total(), 0, list[float]()
        for bucket in sorted(self._counts):
            seen += self._counts[bucket]
            while len(found) < len(fractions) and seen >= math.ceil(fractions[len(found)] * total):
                found.append(self._SMALLEST_MS * math.exp(bucket / self._PER_OCTAVE))
        return found or [0.0] * len(fractions)

    def __bool__(self) -> bool:
        return bool(self._counts)


class StageTimes:
    """What one stage took: in the whole run, and in its last moments."""

    def __init__(self) -> None:
        self.whole = Histogram()
        self._recent: deque[float] = deque(maxlen=_RECENT_COUNT)

    def add(self, ms: float) -> None:
        self.whole.add(ms)
        self._recent.append(ms)

    def recent(self) -> Mapping[str, float]:
        """p50 and p95 of the last times; p50 is the lower median."""
        times = sorted(self._recent)
        if not times:
            return {}
        last = len(times) - 1
        return {"p50": times[last // 2], "p95": times[math.ceil(0.95 * last)]}


class Meter:
    """A rate: over the whole run, and over the last `RECENT_S` seconds."""

    def __init__(self) -> None:
        self.count = 0
        self.first_at = self.last_at = 0.0
        self._recent: deque[float] = deque(maxlen=256)

    def tick(self, now: float) -> None:
        self.first_at = self.first_at if self.count else now
        self.last_at = now
        self.count += 1
        self._recent.append(now)

    def rate(self) -> float:
        """Per second, between the first tick and the last."""
        return per_second(self.count - 1, self.last_at - self.first_at)

    def recent_rate(self, now: float) -> float:
        recent = [at for at in self._recent if now - at <= RECENT_S]
        return per_second(len(recent) - 1, recent[-1] - recent[0]) if recent else 0.0


def per_second(count: int, span_s: float) -> float:
    return count / span_s if count > 0 and span_s > 0 else 0.0
