from __future__ import annotations

import pytest

from rtdet.config import RunConfig
from rtdet.types import SourceInfo, Thresholds
from rtdet.viewer.state import AppState, Severity, fields_given


def test_a_watcher_hears_of_a_change_and_not_of_what_stays_the_same() -> None:
    state, heard = AppState(), []
    state.watch("confidence", heard.append)
    state.confidence = 0.4
    state.confidence = 0.4
    state.iou = 0.9
    assert heard == [0.4]


def test_a_watcher_that_has_left_hears_nothing_more() -> None:
    state, heard = AppState(), []
    leave = state.watch("model", heard.append, now=True)
    leave()
    leave()
    state.model = "another"
    assert heard == ["rtdet-n"]


def test_a_watcher_may_set_other_fields_and_the_same_one() -> None:
    state, heard = AppState(), []
    state.watch("model", lambda name: setattr(state, "model", "good") if name == "bad" else None)
    state.watch("model", heard.append)
    state.model = "bad"
    assert state.model == "good"
    assert "good" in heard


def test_watching_a_field_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(AttributeError):
        AppState().watch("colour", print)


def test_two_states_do_not_hear_each_other() -> None:
    one, other, heard = AppState(), AppState(), []
    one.watch("loop", heard.append)
    other.loop = True
    assert heard == []


def test_thresholds_take_the_sliders_and_the_class_filter() -> None:
    state = AppState(confidence=0.4, iou=0.6, class_names=("person", "car"))
    base = Thresholds(max_detections=50)
    assert state.thresholds(base) == Thresholds(0.4, 0.6, frozenset(), 50)
    state.select("car", False)
    assert state.thresholds(base) == Thresholds(0.4, 0.6, frozenset({"person"}), 50)


def test_no_class_at_all_keeps_nothing_though_thresholds_say_all_by_naming_none() -> None:
    state = AppState(class_names=("person", "car"), selection=frozenset())
    assert state.thresholds(Thresholds()).max_detections == 0
    assert not state.keeps("person")


def test_ticking_the_last_class_again_means_all_classes() -> None:
    state = AppState(class_names=("person", "car"))
    state.select("car", False)
    assert state.selection == {"person"}
    state.select("car", True)
    assert state.selection is None


def test_a_model_with_other_classes_keeps_what_it_knows_of_the_selection() -> None:
    state = AppState(class_names=("person", "car"), selection=frozenset({"person", "car"}))
    state.learn_classes(("cat", "person"))
    assert state.selection == {"person"}
    state.learn_classes(("dog",))
    assert state.selection is None


def test_classes_of_the_configuration_hold_before_the_model_has_said_its_own() -> None:
    state = AppState()
    state.follow(RunConfig(classes=("car",)))
    assert state.thresholds(Thresholds()).classes == {"car"}
    assert state.as_config(RunConfig(), "clip.mp4").classes == ("car",)


def test_whether_the_camera_moves_comes_from_the_configuration_goes_back_to_it_and_is_remembered() -> None:
    state, other = AppState(), AppState()
    state.follow(RunConfig(camera_motion=True))
    assert state.as_config(RunConfig(), "clip.mp4").camera_motion
    other.recall(state.remembered())
    assert other.camera_motion


def test_only_a_file_of_known_length_can_be_searched() -> None:
    state = AppState()
    assert not state.can_seek
    state.source_info = SourceInfo("clip", 64, 48, duration_s=3.0, is_seekable=True)
    assert state.can_seek
    state.source_info = SourceInfo("camera", 64, 48, is_live=True)
    assert not state.can_seek


def test_recent_sources_are_newest_first_without_doubles_and_bounded() -> None:
    state = AppState()
    for number in range(14):
        state.add_recent(f"clip{number}.mp4")
    state.add_recent("clip9.mp4")
    assert state.recent[:2] == ("clip9.mp4", "clip13.mp4")
    assert len(state.recent) == len(set(state.recent)) == 10


def test_a_notice_does_not_cover_an_error_and_messages_are_one_line() -> None:
    state = AppState()
    state.say("cannot open\n  clip.mp4", Severity.ERROR)
    state.say("Snapshot saved")
    assert state.message is not None
    assert state.message.text == "cannot open clip.mp4"


def test_what_is_remembered_comes_back_also_as_text() -> None:
    before = AppState(
        confidence=0.42, loop=True, show_trails=False, recent=("a.mp4", "b.mp4"), model="m.onnx"
    )
    as_text = {
        name: value
        if isinstance(value, list)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
        for name, value in before.remembered().items()
    }
    after = AppState()
    after.recall(as_text)
    assert after.remembered() == before.remembered()


def test_one_recent_file_comes_back_from_an_ini_file_that_turned_the_list_into_a_string() -> None:
    state = AppState()
    state.recall({"recent": "only.mp4"})
    assert state.recent == ("only.mp4",)


@pytest.mark.parametrize(
    "value",
    [{"confidence": "much"}, {"confidence": "7"}, {"loop": "perhaps"}, {"recent": None}, {"volume": "3"}],
)
def test_settings_that_make_no_sense_are_left_out(value: dict[str, str]) -> None:
    state = AppState()
    state.recall(value)
    assert state.remembered() == AppState().remembered()


def test_what_the_user_asked_for_wins_over_what_was_remembered() -> None:
    config = RunConfig(conf=0.6)
    assert fields_given(config) == {"confidence"}
    assert fields_given(config, {"model", "source"}) == {"model"}
    state = AppState()
    state.follow(config)
    state.recall({"confidence": 0.1, "iou": 0.9}, keep=fields_given(config))
    assert (state.confidence, state.iou) == (0.6, 0.9)


def test_a_tracker_chosen_in_the_window_is_opened_without_the_settings_of_another():
    state, config = AppState(), RunConfig(tracker="rtdet", set=("max_age_s=2",))
    state.follow(config)
    assert state.as_config(config, "clip.mp4").set == ("max_age_s=2",)
    state.tracker = "sort"
    assert state.as_config(config, "clip.mp4").set == ()
