"""Keeps results fresh on a machine that is too slow for a while: gives up a little, and takes it back."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Any, Protocol, TypeGuard

from rtdet.pipeline.cadence import MOST_EVERY, Cadence

log = logging.getLogger("rtdet.pipeline")

# Ages of so many seconds are looked at together, or of the last few results; so often; and after a change only those
# that came later than that.
_WINDOW_S, _LOOK_EVERY_S, _SETTLES_S = 1.0, 0.25, 0.6
_ENOUGH = 5
# The share of ages that must be within the bound.
_SHARE = 0.9
# A detector that takes more than this part of the bound by itself gets a smaller input; a larger one again only where
# it would take less than that.
_SLOW, _QUICK = 0.7, 0.6
# Looking at fewer frames helps a slow detector only where it is busy for more than this share of the time.
_BUSY = 0.8
# Something is taken back once ages have been below this part of the bound for PATIENCE_S. Where that was too soon, it
# waits twice as long the next time.
_EASY = 0.6
PATIENCE_S, MOST_PATIENCE_S = 3.0, 60.0
# What was given up is said once nothing more was for so long.
_HOLDS_S = 1.5
# How many times as long a detector takes in the exact precision as in the quick one.
_QUICKER = 2.0
# The inputs that a detector may have, as parts of the one that it began with.
SIDES = (1.0, 0.75, 0.5)


@dataclass(frozen=True)
class Setting:
    """What is done with the frames: the detector looks at every so many, with an input of `side` pixels (None: as the
    detector has it), in a `precision` that is less exact ("": as it has it)."""

    every: int = 1
    side: int | None = None
    precision: str = ""

    def __str__(self) -> str:
        looks = "every frame" if self.every == 1 else f"every {ordinal(self.every)} frame"
        at = "" if self.side is None else f" at {self.side} pixels"
        return f"{looks}{at}{f' in {self.precision}' if self.precision else ''}"


class Rule:
    """Decides when to give up something, and when to take it back, by the ages of results; knows no clock but the one
    it is told.

    bound_ms: what ages are to stay below. sides: how many steps of smaller inputs there are. has_quick: whether there
    is a quicker precision. age_ms: what nine of ten of the last results were not older than, of those detected and of
    those carried.
    """

    def __init__(self, bound_ms: float, sides: int, *, has_quick: bool = False) -> None:
        self.bound_ms, self._sides, self._has_quick = bound_ms, sides, has_quick
        self.given: list[str] = []  # "every", "side" or "quick", in the order in which they were given up
        self.is_at_the_end = False
        self.age_ms = 0.0
        self._detected: deque[tuple[float, float]] = deque(maxlen=1024)
        self._carried: deque[tuple[float, float]] = deque(maxlen=1024)
        self._calls_ms: deque[float] = deque(maxlen=15)
        self._look_at = 0.0
        self._changed_at = -_SETTLES_S
        self._easy_since: float | None = None
        self._patience_s = PATIENCE_S
        self._taken_back_at: float | None = None

    def note(self, now: float, age_ms: float, call_ms: float | None, every: int) -> str:
        """One more result, of this age, for which the detector took `call_ms` (None: it was carried); `every`: how
        often it looks now. Returns what is given up, "every+", "side-" or "quick-", or taken back, "every-", "side+"
        or "quick+", or ""."""
        (self._carried if call_ms is None else self._detected).append((now, age_ms))
        if call_ms is not None:
            self._calls_ms.append(call_ms)
        if now < self._look_at:
            return ""
        self._look_at = now + _LOOK_EVERY_S
        for ages in (self._detected, self._carried):
            while ages and ages[0][0] < self._changed_at + _SETTLES_S:
                ages.popleft()
            while len(ages) > _ENOUGH and ages[0][0] < now - _WINDOW_S:
                ages.popleft()
        if len(self._detected) < _ENOUGH:
            return ""
        high = self.age_ms = max(_most(self._detected), _most(self._carried))
        if high > self.bound_ms:
            return self._give_up(now, every)
        if high > _EASY * self.bound_ms:
            self._easy_since = None
            return ""
        if self._easy_since is None:
            self._easy_since = now
        # Where one thing was taken back and ages are as good as before, the next need not wait so long.
        goes_on = self._taken_back_at is not None and self._taken_back_at == self._changed_at
        wait_s = self._patience_s / 3 if goes_on else self._patience_s
        return self._take_back(now) if now - self._easy_since >= wait_s else ""

    def _give_up(self, now: float, every: int) -> str:
        self._easy_since = None
        if self._taken_back_at is not None and now - self._taken_back_at < 2 * self._patience_s:
            self._patience_s = min(2 * self._patience_s, MOST_PATIENCE_S)
            self._taken_back_at = None
        has_side = self.given.count("side") < self._sides
        call_ms = median(self._calls_ms) if self._calls_ms else 0.0
        is_slow = call_ms > _SLOW * self.bound_ms
        if is_slow or every >= MOST_EVERY:
            if self._has_quick and "quick" not in self.given:  # it costs the least
                return self._change(now, "quick", "quick-")
            if has_side:
                return self._change(now, "side", "side-")
        between_ms = (self._detected[-1][0] - self._detected[0][0]) / (len(self._detected) - 1) * 1e3
        if every < MOST_EVERY and (not is_slow or call_ms > _BUSY * between_ms):
            return self._change(now, "every", "every+")
        self.is_at_the_end = True
        return ""

    def _take_back(self, now: float) -> str:
        if not self.given:
            self._patience_s = PATIENCE_S
            return ""
        last = self.given[-1]
        if last != "every":
            step = self.given.count("side")
            growth = _QUICKER if last == "quick" else (SIDES[step - 1] / SIDES[step]) ** 2
            if self._calls_ms and median(self._calls_ms) * growth > _QUICK * self.bound_ms:
                return ""
        self.given.pop()
        self.is_at_the_end = False
        self._taken_back_at = now
        self._forget(now)
        return f"{last}{'-' if last == 'every' else '+'}"

    def _change(self, now: float, lever: str, change: str) -> str:
        self.given.append(lever)
        self.is_at_the_end = False
        self._forget(now)
        return change

    def _forget(self, now: float) -> None:
        self._changed_at, self._easy_since = now, None
        self._calls_ms.clear()


def _most(ages: deque[tuple[float, float]]) -> float:
    """What nine of ten of these ages are not above; 0 where there are hardly any."""
    if len(ages) < _ENOUGH:
        return 0.0
    return sorted(age for _, age in ages)[int((len(ages) - 1) * _SHARE)]


class Sided(Protocol):
    """A detector whose input can be changed as it runs. One that several share also has `full_side`: its side where
    none of them wants a smaller one."""

    side: int

    def set_side(self, side: int) -> None: ...


def quick_precision_of(detector: Any) -> str:
    """The quicker and less exact precision that the detector's network may run in by `set_quick`; "" for none."""
    quick: str = getattr(detector, "quick_precision", "")
    return quick


def has_sides(detector: Any) -> TypeGuard[Sided]:
    """Whether the detector's input can be changed."""
    size = getattr(detector, "input_size", None)
    return hasattr(detector, "set_side") and size is not None and not size.is_fixed


class Governor:
    """Turns the levers of a run as the rule says: how often the detector looks, the size of its input, where it has
    `set_side`, and its precision, where it has a quicker one. Says in a line what it gives up, and when all is as it
    was. `note` and `close` are for the thread of the tracker."""

    def __init__(self, bound_ms: float, cadence: Cadence) -> None:
        self.bound_ms = bound_ms
        self._cadence = cadence
        self._detector: Any = None
        self._first_side: int | None = None
        self._asked_side: int | None = None  # the detector may still be compiling for it
        self._asks_quick = False
        self._floor = 1
        self._rule = Rule(bound_ms, 0)
        self._spent_s: dict[Setting, float] = {}
        self._at: float | None = None
        self._unsaid: tuple[float, float] | None = None  # when and at which age something was given up
        self._has_despaired = False

    def note(self, now: float, age_ms: float, call_ms: float | None, detector: Any) -> None:
        """One more result, of this age, by this detector; `call_ms`: see Rule."""
        if detector is not self._detector:
            self._begin(detector)
        setting = self.setting
        if self._at is not None:
            self._spent_s[setting] = self._spent_s.get(setting, 0.0) + max(now - self._at, 0.0)
        self._at = now
        change = self._rule.note(now, age_ms, call_ms, self._cadence.every)
        if change:
            self._turn(change)
            self._say(change, now)
        self._say_what_holds(now)

    @property
    def setting(self) -> Setting:
        """What is done with the frames now."""
        # Others ask too, also while another detector begins, which may have no sides.
        side = None if self._first_side is None else getattr(self._detector, "side", None)
        is_quick = getattr(self._detector, "is_quick", False)
        return Setting(self._cadence.every, side, quick_precision_of(self._detector) if is_quick else "")

    @property
    def gave_up(self) -> bool:
        return bool(self._rule.given)

    def spent_s(self) -> dict[Setting, float]:
        """The seconds of the run at each setting."""
        return dict(self._spent_s)

    def as_dict(self) -> dict[str, Any]:
        """What `--stats` says of it."""
        return {
            "max_latency_ms": self.bound_ms,
            "settings": [
                {
                    "every": setting.every,
                    "side": setting.side,
                    "precision": setting.precision or None,
                    "seconds": round(seconds, 3),
                }
                for setting, seconds in sorted(self.spent_s().items(), key=lambda item: -item[1])
            ],
        }

    def close(self) -> None:
        """Gives the detector the input that it had, for the next run that uses it; says what was given up, where the
        run ends before it was said."""
        if self._unsaid is not None:
            self._say_what_was_given_up(self._unsaid[1])
        if self._first_side is not None and self._asked_side != self._first_side:
            self._detector.set_side(self._first_side)
        if self._asks_quick:
            self._asks_quick = False
            self._detector.set_quick(False)

    def _begin(self, detector: Any) -> None:
        """Another detector: its input is as the user wants it."""
        self._detector = detector
        self._first_side = getattr(detector, "full_side", detector.side) if has_sides(detector) else None
        self._asked_side = self._first_side
        self._asks_quick = False
        sides = 0 if self._first_side is None else len(SIDES) - 1
        self._rule = Rule(self.bound_ms, sides, has_quick=bool(quick_precision_of(detector)))
        self._floor = 1
        self._cadence.at_least(1)

    def _turn(self, change: str) -> None:
        before = self.setting
        if change == "every+":
            self._floor = before.every + 1
            self._cadence.at_least(self._floor)
        elif change == "every-":
            self._floor = max(self._floor - 1, 1)
            self._cadence.at_least(self._floor)
        elif change in ("quick-", "quick+"):
            self._asks_quick = change == "quick-"
            self._detector.set_quick(self._asks_quick)
        else:
            assert self._first_side is not None
            part = SIDES[self._rule.given.count("side")]
            self._asked_side = max(round(self._first_side * part / 32) * 32, 64)
            self._detector.set_side(self._asked_side)

    def _say(self, change: str, now: float) -> None:
        if not self._rule.given:
            self._unsaid, self._has_despaired = None, False
            log.warning(
                "--max-latency %g: results are fresh, and nothing is given up any more", self.bound_ms
            )
        elif change in ("every+", "side-", "quick-"):
            _, age_ms = self._unsaid or (now, self._rule.age_ms)
            self._unsaid = now, age_ms

    @property
    def _asked(self) -> Setting:
        quick = quick_precision_of(self._detector) if self._asks_quick else ""
        return Setting(self._cadence.every, self._asked_side, quick)

    def _say_what_was_given_up(self, age_ms: float) -> None:
        log.warning(
            "--max-latency %g: results were %.0f ms old, so the detector now looks at %s",
            self.bound_ms, age_ms, self._asked,
        )  # fmt: skip
        self._unsaid = None

    def _say_what_holds(self, now: float) -> None:
        """Says what was given up, once that has held for a while."""
        is_at_the_end = self._rule.is_at_the_end
        if self._unsaid is not None and (is_at_the_end or now - self._unsaid[0] > _HOLDS_S):
            self._say_what_was_given_up(self._unsaid[1])
        if is_at_the_end and not self._has_despaired:
            self._has_despaired = True
            log.warning(
                "--max-latency %g: results are still %.0f ms old, and nothing is left to give up",
                self.bound_ms, self._rule.age_ms,
            )  # fmt: skip


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
