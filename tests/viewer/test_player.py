"""The state of one source in the viewer."""

from __future__ import annotations

from rtdet.config import RunConfig
from rtdet.types import SourceInfo, Thresholds
from rtdet.viewer.player import PlayerState, Severity, fields_given


def test_thresholds_take_the_sliders_and_the_class_filter() -> None:
    player = PlayerState(confidence=0.4, iou=0.6, class_names=("person", "car"))
    base = Thresholds(max_detections=50)
    assert player.thresholds(base) == Thresholds(0.4, 0.6, frozenset(), 50)
    player.select(["car"], False)
    assert player.thresholds(base) == Thresholds(0.4, 0.6, frozenset({"person"}), 50)


def test_no_class_at_all_keeps_nothing_though_thresholds_say_all_by_naming_none() -> None:
    player = PlayerState(class_names=("person", "car"), selection=frozenset())
    assert player.thresholds(Thresholds()).max_detections == 0
    assert not player.keeps("person")


def test_ticking_the_last_class_again_means_all_classes() -> None:
    player = PlayerState(class_names=("person", "car"))
    player.select(["car"], False)
    assert player.selection == {"person"}
    player.select(["car"], True)
    assert player.selection is None


def test_a_model_with_other_classes_keeps_what_it_knows_of_the_selection() -> None:
    player = PlayerState(class_names=("person", "car"), selection=frozenset({"person", "car"}))
    player.learn_classes(("cat", "person"))
    assert player.selection == {"person"}
    player.learn_classes(("dog",))
    assert player.selection is None


def test_classes_of_the_configuration_hold_before_the_model_has_said_its_own() -> None:
    player = PlayerState()
    player.take_over(RunConfig(classes=("car",)))
    assert player.thresholds(Thresholds()).classes == {"car"}
    assert player.as_config(RunConfig(), "clip.mp4").classes == ("car",)


def test_whether_the_camera_moves_comes_from_the_configuration_goes_back_to_it_and_is_remembered() -> None:
    player, other = PlayerState(), PlayerState()
    player.take_over(RunConfig(camera_motion=True))
    assert player.as_config(RunConfig(), "clip.mp4").camera_motion
    other.recall(player.remembered())
    assert other.camera_motion


def test_only_a_file_of_known_length_can_be_searched() -> None:
    player = PlayerState()
    assert not player.can_seek
    player.source_info = SourceInfo("clip", 64, 48, duration_s=3.0, is_seekable=True)
    assert player.can_seek
    player.source_info = SourceInfo("camera", 64, 48, is_live=True)
    assert not player.can_seek


def test_a_notice_does_not_cover_an_error_and_messages_are_one_line() -> None:
    player = PlayerState()
    player.say("cannot open\n  clip.mp4", Severity.ERROR)
    player.say("Snapshot saved")
    assert player.message is not None
    assert player.message.text == "cannot open clip.mp4"


def test_what_the_user_asked_for_wins_over_what_was_remembered() -> None:
    config = RunConfig(conf=0.6)
    assert fields_given(config) == {"confidence"}
    assert fields_given(config, {"model", "source"}) == {"model"}
    player = PlayerState()
    player.take_over(config)
    player.recall({"confidence": 0.1, "iou": 0.9}, keep=fields_given(config))
    assert (player.confidence, player.iou) == (0.6, 0.9)


def test_a_tracker_chosen_in_the_window_is_opened_without_the_settings_of_another():
    player, config = PlayerState(), RunConfig(tracker="rtdet", set=("max_age_s=2",))
    player.take_over(config)
    assert player.as_config(config, "clip.mp4").set == ("max_age_s=2",)
    player.tracker = "sort"
    assert player.as_config(config, "clip.mp4").set == ()


def test_of_a_source_that_knows_what_it_shows_only_that_is_looked_for_until_the_user_chooses():
    player = PlayerState(class_names=("person", "car", "dog"))
    player.expect(("person", "car", "tram"))
    assert player.selection == {"person", "car"}
    player.learn_classes(("cat", "dog", "person", "tram"))
    assert player.selection == {"person", "tram"}
    player.learn_classes(("person", "tram"))
    assert player.selection is None
    player.learn_classes(("cat", "dog", "person"))
    assert player.selection == {"person"}
    assert player.as_config(RunConfig(), "clip.mp4").classes == ()
    player.expect(())
    assert player.selection is None


def test_a_selection_of_the_user_outlives_a_source_that_knows_what_it_shows():
    player = PlayerState(class_names=("person", "car", "dog"))
    player.select(["person"], False)
    player.expect(("person", "car"))
    assert player.selection == {"car", "dog"}
    player.expect(())
    assert player.selection == {"car", "dog"}


def test_classes_may_be_named_by_their_group_before_and_after_the_model_has_said_its_own():
    player = PlayerState()
    player.take_over(RunConfig(classes=("vehicles",)))
    assert player.keeps("car")
    assert not player.keeps("person")
    assert player.as_config(RunConfig(), "clip.mp4").classes == ("vehicles",)
    player.learn_classes(("person", "car", "bus"))
    assert player.selection == {"car", "bus"}
    assert player.thresholds(Thresholds()).classes == {"car", "bus"}


def test_what_was_seen_is_kept_in_its_order_until_another_source_is_open():
    player = PlayerState()
    player.see(["car", "person", "car"])
    player.see(["person", "dog"])
    assert player.seen == ("car", "person", "dog")
    player.expect(())
    assert player.seen == ()
