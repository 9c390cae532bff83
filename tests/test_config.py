from __future__ import annotations

import re

import pytest

from rtdet.config import RunConfig, load_config
from rtdet.errors import UnknownNameError, UsageError


def test_the_command_line_beats_the_environment_beats_the_file_beats_the_default(tmp_path):
    file = tmp_path / "rtdet.toml"
    file.write_text('conf = 0.1\niou = 0.6\nmax-det = 7\nclasses = ["person", "car"]\n')
    config = load_config(
        str(file), {"conf": 0.3, "iou": None}, {"RTDET_CONF": "0.2", "RTDET_MODEL": "m", "HOME": "x"}
    )
    assert (config.conf, config.iou, config.max_det, config.model) == (0.3, 0.6, 7, "m")
    assert config.classes == ("person", "car")
    assert config.tracker == RunConfig().tracker


@pytest.mark.parametrize("text", ["conf = 'high'", "conf = true", "max_det = 1.5", "quiet = 1", "= 3"])
def test_a_setting_of_another_type_is_named_with_its_file(tmp_path, text):
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"bad\.toml"):
        load_config(str(file), {}, {})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("conf = 'high'", "conf should be a number, not 'high'"),
        ("max_det = 1.5", "max_det should be a whole number, not 1.5"),
        ("model = 3", "model should be a text in quotes, not 3"),
        ("quiet = 1", "quiet should be true or false, not 1"),
        ("classes = 7", "classes should be a list of texts, or one with commas, not 7"),
    ],
)
def test_what_a_setting_should_be_is_said_in_words_of_toml(tmp_path, text, wanted):
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(UsageError, match=re.escape(wanted)):
        load_config(str(tmp_path / "bad.toml"), {}, {})


@pytest.mark.parametrize("setting", ["source = ['{}']", "conf = '{}'", "save = [['{}']]"])
def test_an_address_in_a_wrong_place_is_named_without_its_password(tmp_path, setting):
    address = "rtsp://anna:Hidden1 Word2@camera.example/x"
    (tmp_path / "bad.toml").write_text(setting.format(address))
    with pytest.raises(UsageError) as caught:
        load_config(str(tmp_path / "bad.toml"), {}, {})
    with pytest.raises(UsageError) as of_environment:
        load_config(None, {}, {"RTDET_CONF": address})
    for error in (caught, of_environment):
        assert "camera.example" in str(error.value)
        assert not {"anna", "Hidden1", "Word2"} & set(re.findall(r"\w+", str(error.value)))


def test_an_unknown_setting_gets_the_nearest_name(tmp_path):
    file = tmp_path / "bad.toml"
    file.write_text("trackr = 'sort'")
    with pytest.raises(UnknownNameError, match="tracker"):
        load_config(str(file), {}, {})


def test_a_missing_file_is_named():
    with pytest.raises(UsageError, match=r"nowhere\.toml"):
        load_config("nowhere.toml", {}, {})


@pytest.mark.parametrize(
    "environment", [{"RTDET_CONF": "much"}, {"RTDET_QUIET": "perhaps"}, {"RTDET_MAX_DET": "1.5"}]
)
def test_a_wrong_environment_variable_is_named(environment):
    with pytest.raises(UsageError, match=next(iter(environment))):
        load_config(None, {}, environment)


@pytest.mark.parametrize(
    "values",
    [
        {"conf": 1.5},
        {"iou": -0.1},
        {"max_det": 0},
        {"duration": 0.0},
        {"start": -1.0},
        {"imgsz": 100_000},
        {"conf": float("nan")},
    ],
)
def test_values_out_of_range_are_refused(values):
    with pytest.raises(UsageError, match="--"):
        RunConfig(**values)


@pytest.mark.parametrize("text", ['set = ["max_age_s=2", "new.car=.5"]', 'set = "max_age_s=2, new.car=.5"'])
def test_settings_of_the_tracker_may_stand_in_the_file(tmp_path, text):
    file = tmp_path / "rtdet.toml"
    file.write_text(text)
    assert load_config(str(file), {}).set == ("max_age_s=2", "new.car=.5")


def test_how_often_the_detector_looks_is_a_number_or_auto(tmp_path):
    (tmp_path / "rtdet.toml").write_text("every = 2")
    config = load_config(str(tmp_path / "rtdet.toml"), {}, {})
    assert (config.every, config.looks_every) == ("2", 2)
    assert RunConfig().looks_every == 1
    assert load_config(None, {}, {"RTDET_EVERY": "auto"}).looks_every is None
    for wrong in ("0", "-1", "2.5", "often", "101", "٣", None, 2.5):
        with pytest.raises(UsageError, match="--every must be a number of frames"):
            RunConfig(every=wrong)
