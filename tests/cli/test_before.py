"""Options before a command, RTDET_* and the configuration file hold for the command, or are refused."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def picture(tmp_path):
    import cv2
    import numpy as np

    cv2.imwrite(str(tmp_path / "p.png"), np.zeros((90, 160, 3), np.uint8))
    return "p.png"


def detect(rtdet, picture, before=(), after=()):
    return rtdet(*before, "detect", picture, "--out", "o.json", *after)


@pytest.mark.parametrize("before", [("--model", "nowhere.onnx"), ("--weights", "nowhere.onnx")])
def test_an_option_before_a_command_is_the_commands(rtdet, picture, before):
    outcome = detect(rtdet, picture, before)
    assert outcome.code == 4
    assert "no model file nowhere.onnx" in outcome.err


def test_what_stands_after_the_command_wins(rtdet, picture):
    outcome = detect(rtdet, picture, ("--model", "nowhere.onnx"), ("--model", "other.onnx"))
    assert "no model file other.onnx" in outcome.err


def test_the_environment_and_the_configuration_hold_for_commands(rtdet, picture, tmp_path, monkeypatch):
    (tmp_path / "c.toml").write_text('model = "of-the-file.onnx"\ntracker = "sort"\n')
    assert "of-the-file.onnx" in detect(rtdet, picture, ("--config", "c.toml")).err
    monkeypatch.setenv("RTDET_MODEL", "of-the-environment.onnx")
    assert "of-the-environment.onnx" in detect(rtdet, picture, ("--config", "c.toml")).err
    assert "typed.onnx" in detect(rtdet, picture, ("--model", "typed.onnx")).err


def test_a_groups_commands_get_them_too(rtdet, squares, monkeypatch):
    monkeypatch.setenv("RTDET_MODEL", "nowhere.onnx")
    assert "nowhere.onnx" in rtdet("eval", "detect", "--data", squares).err
    monkeypatch.delenv("RTDET_MODEL")
    assert "nowhere.onnx" in rtdet("--model", "nowhere.onnx", "eval", "detect", "--data", squares).err


def test_lists_of_words_arrive_whole(rtdet, picture):
    assert "did you mean" in detect(rtdet, picture, ("--classes", "person,carr")).err
    (tracks,) = [rtdet("--tracker", "sort", "--set", "max_aeg=2", "track", "d.txt", "--out", "o.txt")]
    assert "max_age" in tracks.err


def test_detections_come_in_the_place_of_a_model_that_the_environment_names(
    rtdet, squares, tmp_path, monkeypatch
):
    (tmp_path / "d.json").write_text("[]")
    monkeypatch.setenv("RTDET_MODEL", "nowhere.onnx")
    assert "nowhere.onnx" not in rtdet("eval", "detect", "--data", squares, "--detections", "d.json").err


def test_a_confidence_for_runs_is_not_the_lowest_score_of_detect(rtdet, picture, tmp_path, monkeypatch):
    monkeypatch.setenv("RTDET_CONF", "2")  # would be refused
    assert detect(rtdet, picture).code == 0
    assert isinstance(json.loads((tmp_path / "o.json").read_text()), list)


@pytest.mark.parametrize(
    ("before", "command", "named"),
    [
        (("--tracker", "sort"), ("detect", "p.png", "--out", "o.json"), "--tracker"),
        (("--save", "o.mp4"), ("detect", "p.png", "--out", "o.json"), "--save"),
        (("--source", "demo"), ("models",), "--source"),
        (("--model", "rtdet-n"), ("data", "check", "."), "--model"),
        (("--headless",), ("track", "d.txt", "--out", "o.txt"), "--headless"),
    ],
)
def test_what_a_command_does_not_have_is_refused(rtdet, picture, before, command, named):
    outcome = rtdet(*before, *command)
    assert outcome.code == 2
    (line,) = outcome.errors
    assert f"{named} has no meaning for `rtdet {' '.join(command[: 1 + (command[0] == 'data')])}`" in line


def test_half_before_a_command_is_its_precision(rtdet, picture):
    outcome = detect(rtdet, picture, ("--half", "--backend", "openvino"))
    assert outcome.code == 0 or "fp16" in outcome.err
