"""Each kind of bad input ends with one clear line and the exit code that cli.md promises."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch


def _fails(outcome, code, *words):
    assert outcome.code == code, outcome.err
    assert len(outcome.errors) == 1, outcome.err
    for word in words:
        assert word in outcome.errors[0]
    assert "Traceback" not in outcome.err


def test_a_missing_file(rtdet):
    _fails(rtdet("--source", "nowhere.mp4", "--headless"), 3, "nowhere.mp4")


def test_a_latency_that_is_no_number_says_what_is_wanted(rtdet):
    _fails(rtdet("--source", "demo", "--max-latency", "abc"), 2, "'abc' is not a number of milliseconds")


def test_a_folder_that_the_exported_network_cannot_be_written_to(rtdet):
    _fails(
        rtdet("export", "--out", "nodir/z.onnx"),
        5,
        "the folder nodir does not exist; create it or choose another",
    )


def test_a_folder_without_images(rtdet, tmp_path):
    (tmp_path / "empty").mkdir()
    _fails(rtdet("--source", "empty", "--headless"), 3, "empty")


@pytest.mark.parametrize("content", [b"", b"just text, no video\n" * 50])
def test_a_file_that_is_no_video(rtdet, tmp_path, content):
    (tmp_path / "bad.mp4").write_bytes(content)
    _fails(rtdet("--source", "bad.mp4", "--headless"), 3, "bad.mp4")


def test_a_file_that_breaks_off_gives_the_frames_before_the_break_and_one_warning(rtdet, clip, tmp_path):
    whole = tmp_path / "whole.mkv"
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(clip), "-c", "copy", str(whole)], check=True)
    (tmp_path / "cut.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    done = rtdet("--source", "cut.mkv", "--headless", "--tracks", "o.jsonl")
    assert done.code == 0
    assert done.err.count("rtdet: warning:") == 1, done.err
    assert "cut.mkv" in done.err
    assert 10 < (tmp_path / "o.jsonl").read_text().count("\n") < 40


def test_an_absent_webcam(rtdet):
    if os.path.exists("/dev/video63"):
        pytest.skip("there is a camera number 63")
    _fails(rtdet("--source", "webcam:63", "--headless"), 3, "63")


def test_a_refused_stream(rtdet):
    _fails(rtdet("--source", "http://127.0.0.1:9/live.ts", "--headless"), 3, "127.0.0.1:9")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bad.onnx", b"not a graph"),
        ("bad.onnx", b""),
        ("bad.safetensors", b"{}"),
        ("bad.pth", b"PK not a checkpoint"),
        ("bad.xyz", b"?"),
    ],
)
def test_a_model_file_of_another_kind(rtdet, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    _fails(rtdet("--source", "demo", "--model", name, "--headless"), 4, name)


class _Attack:
    def __reduce__(self):
        return (os.mkdir, ("attacked",))


def test_a_pickle_never_runs(rtdet, tmp_path):
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(_Attack()))
    _fails(rtdet("--source", "demo", "--model", "evil.pth", "--headless"), 4, "evil.pth")
    torch.save({"x": _Attack()}, tmp_path / "worse.pth")
    _fails(rtdet("--source", "demo", "--model", "worse.pth", "--headless"), 4, "worse.pth")
    assert not (tmp_path / "attacked").exists()


def test_a_missing_model_file(rtdet):
    _fails(rtdet("--source", "demo", "--model", "nowhere.onnx", "--headless"), 4, "nowhere.onnx")


@pytest.mark.parametrize(
    ("option", "value", "near"),
    [
        ("--tracker", "sorta", "sort"),
        ("--classes", "persn", "person"),
        ("--policy", "lates", "latest"),
        ("--backend", "openvno", "openvino"),
        ("--device", "cupu", "cpu"),
        ("--precision", "fp33", "fp32"),
    ],
)
def test_an_unknown_name_gets_the_nearest_one(rtdet, option, value, near):
    _fails(rtdet("--source", "demo", "--headless", option, value), 2, value, near)


def test_an_unknown_model_is_one_that_cannot_be_loaded(rtdet):
    _fails(rtdet("--source", "demo", "--headless", "--model", "rtdet-m"), 4, "rtdet-m", "rtdet-n")
    _fails(rtdet("models", "show", "rtdet-m"), 4, "rtdet-n")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_cuda_where_there_is_none(rtdet):
    _fails(rtdet("--source", "demo", "--headless", "--device", "cuda"), 2, "CUDA", "cpu")


def test_a_model_to_fetch_while_offline(rtdet, tmp_path, monkeypatch):
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path / "cache"))
    _fails(rtdet("--source", "demo", "--headless", "--model", "ssd300_vgg16", "--offline"), 4, "ssd300_vgg16")


@pytest.mark.parametrize("option", ["--save", "--tracks", "--stats"])
def test_an_output_folder_that_is_missing(rtdet, option):
    name = {"--save": "o.mp4", "--tracks": "o.txt", "--stats": "o.json"}[option]
    _fails(rtdet("--source", "demo", "--headless", option, f"nowhere/{name}"), 5, "nowhere")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_an_output_folder_that_is_read_only(rtdet, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o555)
    _fails(rtdet("--source", "demo", "--headless", "--save", "locked/o.mp4"), 5, "locked")


@pytest.mark.parametrize("option", ["--save", "--tracks", "--stats"])
def test_an_output_that_is_a_folder(rtdet, tmp_path, option):
    name = {"--save": "o.mp4", "--tracks": "o.txt", "--stats": "o.json"}[option]
    (tmp_path / name).mkdir()
    _fails(rtdet("--source", "demo", "--headless", option, name), 5, f"{name} is a folder")


def test_an_unknown_suffix(rtdet):
    _fails(rtdet("--source", "demo", "--headless", "--save", "o.avi"), 2, ".mp4", ".mkv")
    _fails(rtdet("--source", "demo", "--headless", "--tracks", "o.xml"), 2, ".txt")


def test_an_output_that_would_overwrite_its_source(rtdet, clip):
    before = clip.read_bytes()
    _fails(rtdet("--source", clip, "--headless", "--save", clip), 2, clip.name)
    assert clip.read_bytes() == before


@pytest.mark.parametrize("option", ["--tracks", "--save", "--stats"])
def test_an_output_whose_name_is_too_long(rtdet, option):
    name = "a" * 300 + (".mp4" if option == "--save" else ".csv")
    _fails(rtdet("--source", "demo", "--headless", option, name), 5, "file name too long")


def test_two_outputs_of_one_name(rtdet):
    _fails(rtdet("--source", "demo", "--headless", "--tracks", "o.json", "--stats", "o.json"), 2, "same file")


@pytest.mark.parametrize(
    "arguments", [["--conf", "2"], ["--nonsense"], ["fly"], ["--max-frames", "0"], ["--conf", "x"]]
)
def test_a_wrong_command_line(rtdet, arguments):
    _fails(rtdet(*arguments), 2)


def test_a_configuration_file_that_is_wrong(rtdet, tmp_path):
    (tmp_path / "c.toml").write_text("confidence = 0.5")
    _fails(rtdet("--config", "c.toml", "--headless"), 2, "c.toml", "confidence")


def test_a_folder_with_a_broken_picture_gives_the_others_and_one_warning(rtdet, tmp_path):
    (tmp_path / "p").mkdir()
    cv2.imwrite(str(tmp_path / "p" / "a.png"), np.zeros((90, 120, 3), np.uint8))
    (tmp_path / "p" / "b.jpg").write_bytes(b"no picture")
    done = rtdet("--source", "p", "--headless", "--tracks", "o.jsonl")
    assert done.code == 0
    assert done.err.count("rtdet: warning:") == 1
    assert "b.jpg" in done.err


def test_a_source_needs_no_option(rtdet, tmp_path):
    (tmp_path / "my clip.mp4").touch()
    with_option, without = (
        rtdet(*given, "--headless") for given in (("--source", "my clip.mp4"), ("my clip.mp4",))
    )
    assert "my clip.mp4" in without.err
    assert (without.code, without.err) == (with_option.code, with_option.err)
    _fails(rtdet("--conf", "0.5", "--", "my clip.mp4", "--headless"), with_option.code, "my clip.mp4")


def test_a_misspelt_command_is_told_the_nearest(rtdet):
    _fails(rtdet("modles"), 2, "did you mean models?")


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (("--set", "max_aeg_s=2"), "max_age_s"),
        (("--set", "max_age_s"), "KEY=VALUE"),
        (("--set", "max_age_s.person=long"), "number"),
        (("--set", "new.person=3"), "0 to 1"),
        (("--set", "new.perzon=0.5"), "did you mean person?"),
        (("--tracker", "sort", "--set", "max_age.person=2"), "by class"),
        (("--tracker", "none", "--set", "max_age=2"), "none"),
    ],
)
def test_a_setting_that_the_tracker_does_not_take(rtdet, arguments, near):
    _fails(rtdet("--source", "demo", "--headless", *arguments), 2, near)


@pytest.mark.parametrize("group", ["eval", "data", "tracks"])
def test_a_command_without_its_subcommand_shows_its_help(rtdet, group):
    outcome = rtdet(group)
    assert outcome.code == 2
    assert outcome.err == rtdet(group, "--help").out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_where_nothing_more_can_be_printed_one_line_says_so():
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "rtdet", "models"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 5
    assert done.stderr == "rtdet: error: the disk is full: the printed output is incomplete\n"
