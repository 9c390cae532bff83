"""Results stay fresh: what is given up when they get old, and when it is taken back."""

from __future__ import annotations

import json
import time
from itertools import pairwise

import pytest

from rtdet.pipeline import Pipeline, Policy, SharedDetector
from rtdet.pipeline import governor as governor_module
from rtdet.pipeline.cadence import MOST_EVERY, Cadence
from rtdet.pipeline.governor import MOST_PATIENCE_S, PATIENCE_S, SIDES, Governor, Rule, Setting, ordinal
from rtdet.types import InputSize

STEP_S = 1 / 30


class Machine:
    """A machine whose detector takes `call_ms` at the first side. Its results are as old as the call, and older where
    it looks too often."""

    def __init__(self, bound_ms: float, call_ms: float, sides: int = 2, *, has_quick: bool = False) -> None:
        self.rule, self.call_ms = Rule(bound_ms, sides, has_quick=has_quick), call_ms
        self.is_quick = False
        self.now, self.every, self.side = 0.0, 1, 0
        self.changes: list[tuple[float, str]] = []

    @property
    def takes_ms(self) -> float:
        return self.call_ms * SIDES[self.side] ** 2 / (2 if self.is_quick else 1)

    def run(self, seconds: float) -> list[str]:
        before, end = len(self.changes), self.now + seconds
        while self.now < end:
            for _ in range(self.every):
                self.now += STEP_S
            late = max(self.takes_ms - self.every * STEP_S * 1e3, 0)
            carried = [self.rule.note(self.now, late, None, self.every) for _ in range(1, self.every)]
            age_ms = self.takes_ms + min(late, self.takes_ms)
            change = self.rule.note(self.now, age_ms, self.takes_ms, self.every)
            change = next(filter(None, carried), change)
            if change:
                self.changes.append((self.now, change))
            self.every += {"every+": 1, "every-": -1}.get(change, 0)
            self.side += {"side-": 1, "side+": -1}.get(change, 0)
            self.is_quick = {"quick-": True, "quick+": False}.get(change, self.is_quick)
        return [change for _, change in self.changes[before:]]


def test_where_results_are_fresh_nothing_is_given_up():
    assert Machine(100, 20).run(60) == []


def test_where_frames_wait_for_the_detector_it_looks_at_fewer_and_at_no_fewer_than_needed():
    machine = Machine(140, 90)
    assert machine.run(60) == ["every+"]
    assert machine.every == 2


def test_a_detector_that_takes_too_long_by_itself_gets_a_smaller_input_and_then_looks_at_fewer_frames():
    machine = Machine(100, 300)
    assert machine.run(60) == ["side-", "side-", "every+"]
    with_one_input = Machine(100, 300, sides=0)
    assert with_one_input.run(60) == ["every+"] * (MOST_EVERY - 1)
    assert with_one_input.rule.is_at_the_end


def test_what_was_given_up_is_taken_back_in_reverse_order_once_there_is_time():
    machine = Machine(100, 300)
    machine.run(20)
    machine.call_ms, began = 15, machine.now
    assert machine.run(30) == ["every-", "side+", "side+"]
    assert (machine.every, machine.side) == (1, 0)
    assert machine.changes[3][0] - began >= PATIENCE_S
    assert machine.rule.given == []
    assert machine.run(120) == []


def test_a_quicker_precision_comes_before_a_smaller_input_and_goes_last() -> None:
    machine = Machine(100, 300, has_quick=True)
    assert machine.run(20) == ["quick-", "side-", "side-"]
    machine.call_ms = 15
    assert machine.run(30) == ["side+", "side+", "quick+"]
    machine = Machine(100, 80, has_quick=True)
    assert machine.run(120) == ["quick-"], "in the exact one it takes 80 ms again"
    assert Machine(100, 300, sides=0, has_quick=True).run(60)[:2] == ["quick-", "every+"]


def test_an_input_is_not_made_larger_where_that_would_take_too_long_again():
    machine = Machine(100, 80)
    assert machine.run(120) == ["side-"], "at three quarters it takes 45 ms, at the whole 80 again"


def test_it_does_not_flap_but_waits_ever_longer_where_taking_back_was_wrong():
    rule, every, taken_back = (
        Rule(100, 0),
        1,
        list[float](),
    )  # at every 2nd it looks as if that were not needed
    for number in range(30 * 1200):
        now = number * STEP_S
        change = rule.note(now, 200 if every == 1 else 50, 30, every)
        every += {"every+": 1, "every-": -1}.get(change, 0)
        if change == "every-":
            taken_back.append(now)
    gaps = [round(later - earlier, 3) for earlier, later in pairwise(taken_back)]
    assert gaps == sorted(gaps)
    assert gaps[0] >= PATIENCE_S
    assert MOST_PATIENCE_S <= gaps[-1] <= MOST_PATIENCE_S + 5
    assert len(taken_back) < 30


def test_where_there_is_something_to_give_up_after_all_it_is_not_the_end():
    rule, at_the_end, changes = Rule(100, 0), False, list[str]()
    for number in range(60):  # at first fewer frames would not help, then the detector is busy all the time
        changes.append(rule.note(number * 0.2, 150, 90 if number < 30 else 190, 1))
        at_the_end = at_the_end or rule.is_at_the_end
        if changes[-1]:
            break
    assert at_the_end
    assert changes[-1] == "every+"
    assert not rule.is_at_the_end


def test_one_old_result_among_many_changes_nothing():
    rule = Rule(100, 2)
    for number in range(3000):
        age = 900 if number % 20 == 0 else 30
        assert rule.note(number * STEP_S, age, 20, 1) == ""


def test_settings_read_as_people_say_them():
    assert str(Setting()) == "every frame"
    assert str(Setting(2, 320)) == "every 2nd frame at 320 pixels"
    assert str(Setting(1, 320, "bf16")) == "every frame at 320 pixels in bf16"
    assert str(Setting(3, None, "bf16")) == "every 3rd frame in bf16"
    assert [ordinal(n) for n in (1, 3, 4, 11, 12, 13, 21, 102)] == [
        "1st", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd",
    ]  # fmt: skip


class Sided:
    """What the governor needs of a detector whose input can be changed."""

    def __init__(self) -> None:
        self.input_size, self.side = InputSize(416), 416

    def set_side(self, side: int) -> None:
        self.side = side


def noted(governor: Governor, detector: object, age_ms: float, seconds: float, start: float) -> float:
    for number in range(int(seconds * 30)):
        governor.note(start + number / 30, age_ms, age_ms, detector)
    return start + seconds


def test_the_governor_turns_the_levers_says_so_and_counts_the_seconds(caplog):
    cadence, detector = Cadence(takes_newest=True), Sided()
    governor = Governor(50.0, cadence)
    now = noted(governor, detector, 200.0, 30.0, 0.0)
    assert detector.side == 192
    first, second = caplog.messages
    assert "results were 200 ms old, so the detector now looks at every 8th frame at 192 pixels" in first
    assert "still 200 ms old, and nothing is left to give up" in second
    noted(governor, detector, 5.0, 120.0, now)
    assert (cadence.every, detector.side) == (1, 416)
    assert "results are fresh, and nothing is given up any more" in caplog.messages[-1]
    written = json.loads(json.dumps(governor.as_dict()))
    assert written["max_latency_ms"] == 50
    assert sum(one["seconds"] for one in written["settings"]) == pytest.approx(150, abs=0.1)
    assert {"every": 1, "side": 416}.items() <= written["settings"][0].items()


class Quick:
    """What the governor needs of a detector with one input, whose precision can be changed."""

    quick_precision = "bf16"

    def __init__(self) -> None:
        self.input_size, self.is_quick = InputSize(416, is_fixed=True), False

    def set_quick(self, is_quick: bool) -> None:
        self.is_quick = is_quick


def test_the_quicker_precision_is_said_written_and_given_back_at_the_end(caplog) -> None:
    governor, detector = Governor(50.0, Cadence(takes_newest=True)), Quick()
    noted(governor, detector, 200.0, 30.0, 0.0)
    assert detector.is_quick
    assert "so the detector now looks at every 8th frame in bf16" in caplog.text
    assert {one["precision"] for one in governor.as_dict()["settings"]} == {None, "bf16"}
    governor.close()
    assert not detector.is_quick


def test_another_detector_begins_as_the_user_wants_it_and_one_with_one_input_only_is_asked_less_often():
    cadence = Cadence(takes_newest=True)
    governor = Governor(50.0, cadence)
    first = Sided()
    now = noted(governor, first, 200.0, 3.0, 0.0)
    assert governor.gave_up
    now = noted(governor, object(), 200.0, 0.1, now)
    assert not governor.gave_up
    noted(governor, object(), 200.0, 0.1, now)
    assert cadence.every == 1
    fixed = Sided()
    fixed.input_size = InputSize(416, is_fixed=True)
    noted(governor, fixed, 200.0, 10.0, now)
    assert (fixed.side, cadence.every > 1) == (416, True)


def test_at_the_end_the_detector_has_its_input_again():
    governor, detector = Governor(50.0, Cadence(takes_newest=True)), Sided()
    noted(governor, detector, 200.0, 3.0, 0.0)
    assert detector.side < 416
    governor.close()
    assert detector.side == 416


def test_at_the_end_an_input_that_is_still_being_prepared_is_called_off():
    class Slow(Sided):
        asked: int | None = None

        def set_side(self, side: int) -> None:
            self.asked = side

    governor, detector = Governor(50.0, Cadence(takes_newest=True)), Slow()
    noted(governor, detector, 200.0, 3.0, 0.0)
    assert detector.asked is not None
    governor.close()
    assert detector.asked == detector.side


def test_what_was_given_up_is_said_when_the_run_ends_before_it_held(caplog):
    governor = Governor(50.0, Cadence(takes_newest=True))
    noted(governor, Sided(), 200.0, 3.0, 0.0)
    assert governor.gave_up
    with caplog.at_level("WARNING", "rtdet.pipeline"):
        governor.close()
        governor.close()
    said = [record.getMessage() for record in caplog.records if "looks at" in record.getMessage()]
    assert len(said) == 1


def test_on_a_loaded_machine_something_is_given_up_and_taken_back_when_the_load_is_gone(parts, monkeypatch):
    monkeypatch.setattr(governor_module, "PATIENCE_S", 0.3)
    load_s = [0.5]

    class Loaded(parts.Detector):
        def detect(self, images):
            time.sleep(load_s[0])
            return super().detect(images)

    source, sink = parts.Source(10**6, fps=50), parts.Sink()
    pipeline = Pipeline(
        source, Loaded(), parts.Tracker(), [sink], policy=Policy.LATEST, paced=True, max_latency_ms=300.0
    )
    pipeline.start()
    parts.until(lambda: pipeline.stats().live.gave_up.startswith("every"), "it looks at fewer frames")
    assert pipeline._flow.governor.gave_up
    load_s[0] = 0.0
    parts.until(lambda: pipeline.stats().live.gave_up == "", "it looks at every frame again")
    written = pipeline.stats().as_dict()["governor"]
    assert written["max_latency_ms"] == 300
    assert {1, 2} <= {one["every"] for one in written["settings"]}
    pipeline.stop()
    assert sink.indices == sorted(sink.indices)
    stats = pipeline.stats()
    assert stats.carried > 0
    assert "detector_busy" in stats.dropped, "before anything was given up"


def test_sources_that_share_a_detector_get_a_smaller_input_under_load_and_the_whole_one_again(
    parts, monkeypatch, caplog
) -> None:
    monkeypatch.setattr(governor_module, "PATIENCE_S", 0.3)
    load_s = [0.6]  # too long also for both in one call

    class Loaded(Sided, parts.Detector):
        def __init__(self) -> None:
            Sided.__init__(self)
            parts.Detector.__init__(self)

        def detect(self, images):
            time.sleep(load_s[0] * (self.side / 416) ** 2)
            return super().detect(images)

    detector = Loaded()
    with SharedDetector(detector) as hub:
        runs = [
            Pipeline(
                parts.Source(10**6, fps=20), hub.client(name), parts.Tracker(),
                policy=Policy.LATEST, paced=True, max_latency_ms=300.0,
            )
            for name in ("door", "yard")
        ]  # fmt: skip
        for run in runs:
            run.start()
        parts.until(lambda: detector.side < 416, "one of them is too slow")
        load_s[0] = 0.0
        parts.until(lambda: detector.side == 416, "there is time again")
        parts.until(lambda: all(run.stats().live.gave_up == "" for run in runs), "for both")
        for run in runs:
            run.stop()
    sides = {one["side"] for run in runs for one in run.stats().as_dict()["governor"]["settings"]}
    assert 416 in sides
    assert min(sides) < 416


def test_a_run_that_begins_while_others_have_a_smaller_input_knows_the_whole_one() -> None:
    detector = Sided()
    detector.thresholds = detector.class_names = ()
    with SharedDetector(detector) as hub:
        pressed, late = hub.client("pressed"), hub.client("late")
        pressed.set_side(208)
        governor = Governor(50.0, Cadence(takes_newest=True))
        noted(governor, late, 5.0, 3.0, 0.0)
        assert not governor.gave_up
        pressed.set_side(416)
        assert detector.side == 416
        governor.close()
        assert detector.side == 416
        detector.close = lambda: None
