"""States that are listened to, and that come back at the next start."""

from __future__ import annotations

import pytest

from rtdet.viewer.player import PlayerState
from rtdet.viewer.window import WindowState


def test_a_watcher_hears_of_a_change_and_not_of_what_stays_the_same() -> None:
    state, heard = PlayerState(), []
    state.watch("confidence", heard.append)
    state.confidence = 0.4
    state.confidence = 0.4
    state.iou = 0.9
    assert heard == [0.4]


def test_a_watcher_that_has_left_hears_nothing_more() -> None:
    state, heard = PlayerState(), []
    leave = state.watch("model", heard.append, now=True)
    leave()
    leave()
    state.model = "another"
    assert heard == ["rtdet-n"]


def test_a_watcher_may_set_other_fields_and_the_same_one() -> None:
    state, heard = PlayerState(), []
    state.watch("model", lambda name: setattr(state, "model", "good") if name == "bad" else None)
    state.watch("model", heard.append)
    state.model = "bad"
    assert state.model == "good"
    assert "good" in heard


def test_watching_a_field_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(AttributeError):
        PlayerState().watch("colour", print)


def test_two_states_do_not_hear_each_other() -> None:
    one, other, heard = PlayerState(), PlayerState(), []
    one.watch("loop", heard.append)
    other.loop = True
    assert heard == []


@pytest.mark.parametrize(
    "before",
    [
        PlayerState(confidence=0.42, loop=True, model="m.onnx"),
        WindowState(show_trails=False, recent=("a.mp4", "b.mp4")),
    ],
    ids=["player", "window"],
)
def test_what_is_remembered_comes_back_also_as_text(before: PlayerState | WindowState) -> None:
    as_text = {
        name: value
        if isinstance(value, list)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
        for name, value in before.remembered().items()
    }
    after = type(before)()
    assert after.remembered() != before.remembered()
    after.recall(as_text)
    assert after.remembered() == before.remembered()


def test_one_recent_file_comes_back_from_an_ini_file_that_turned_the_list_into_a_string() -> None:
    state = WindowState()
    state.recall({"recent": "only.mp4"})
    assert state.recent == ("only.mp4",)


@pytest.mark.parametrize(
    "value",
    [{"confidence": "much"}, {"confidence": "7"}, {"loop": "perhaps"}, {"recent": None}, {"volume": "3"}],
)
@pytest.mark.parametrize("kind", [PlayerState, WindowState])
def test_settings_that_make_no_sense_are_left_out(kind: type, value: dict[str, str]) -> None:
    state = kind()
    state.recall(value)
    assert state.remembered() == kind().remembered()
