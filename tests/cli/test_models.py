"""`rtdet models`: what is there, and what it needs."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rtdet import extras
from rtdet.detectors.cards import model_card, model_names, models_folder

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def no_torch(monkeypatch):
    monkeypatch.setattr(extras, "is_installed", lambda module: module not in ("torch", "torchvision"))


def test_the_list_says_which_models_need_the_extra_torch(rtdet, no_torch):
    lines = {line.split()[0]: line for line in rtdet("models").out.splitlines()}
    assert "extra torch, which is not installed: " in lines["ssdlite320_mobilenet_v3_large"]
    assert "rtdet[torch]" in lines["ssdlite320_mobilenet_v3_large"]
    assert "extra" not in lines["rtdet-n"]


def test_a_card_says_so_too(rtdet, no_torch):
    assert (
        "needs:         extra torch, which is not installed: "
        in rtdet("models", "show", "fcos_resnet50_fpn").out
    )
    assert "needs:" not in rtdet("models", "show", "rtdet-n").out


@pytest.mark.skipif(
    importlib.util.find_spec("torchvision") is None, reason="the extra torch is not installed"
)
def test_an_extra_that_is_there_is_named_as_such(rtdet):
    assert "extra torch (installed)" in rtdet("models", "list").out


def test_fetching_a_model_that_cannot_be_used_yet_says_so_first(rtdet, no_torch, monkeypatch):
    from rtdet.detectors import registry

    monkeypatch.setattr(registry, "weights_of", lambda card: f"/cache/{card.name}.pth")
    done = rtdet("models", "pull", "ssd300_vgg16")
    assert done.err.startswith("rtdet: ssd300_vgg16 needs the extra torch, which is not installed: ")
    assert done.out == "ssd300_vgg16 is at /cache/ssd300_vgg16.pth\n"
    assert rtdet("models", "pull", "rtdet-n").err == ""


def test_the_list_shows_how_quick_a_model_was_here_once_it_has_run(rtdet, tmp_path, monkeypatch):
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path / "cache"))
    assert "frames/s here" not in rtdet("models", "show", "rtdet-n").out
    done = rtdet("--source", "demo", "--headless", "--max-frames", "60", "--quiet")
    assert done.code == 0, done.err
    assert "in a run of rtdet" in rtdet("models", "show", "rtdet-n").out


def in_a_terminal(width: int, *arguments: str) -> list[str]:
    """What `rtdet` prints in a terminal of so many columns, without colours."""
    import pty

    main, terminal = pty.openpty()
    environment = {
        **os.environ,
        "COLUMNS": str(width),
        "PYTHONPATH": str(ROOT),
        "NO_COLOR": "1",
        "TERM": "xterm",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "rtdet", *arguments], stdout=terminal, env=environment
    ) as process:
        os.close(terminal)
        printed = b""
        with contextlib.suppress(OSError):  # the other end is closed
            while part := os.read(main, 65536):
                printed += part
    os.close(main)
    assert process.returncode == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", printed.decode()).replace("\r", "").splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pty")
def test_the_list_fits_the_terminal_and_says_where_the_rest_is():
    for width, columns in ((50, ["model", "COCO AP"]), (110, ["model", "COCO AP", "frames/s here", "size"])):
        *table, more = in_a_terminal(width, "models")
        assert max(len(line.rstrip()) for line in table) <= width
        assert all(title in table[1] for title in columns)
        assert "rtdet models --wide" in more
        assert "rtdet models show NAME" in more
        assert len({line.split()[0] for line in table[3:] if line.strip()}) == len(model_names())


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pty")
@pytest.mark.parametrize("command", [("models", "--wide"), ("models", "list", "--wide")])
def test_all_columns_are_there_where_they_are_asked_for(command):
    table = in_a_terminal(50, *command)
    assert "needs" in table[1]
    assert any("Comes with rtdet" in line for line in table)


def test_a_file_is_shown_as_a_name_is(rtdet):
    name, file = (
        rtdet("models", "show", one).out for one in ("rtdet-n", models_folder() / "rtdet-n.safetensors")
    )
    for key in ("kind:", "input:", "classes:", "size:", "sha256:", "parameters:"):
        assert key in name
        assert key in file
    missing = rtdet("models", "show", "gone.onnx")
    assert (missing.code, len(missing.errors)) == (4, 1)
    assert "there is no model file gone.onnx" in missing.errors[0]


def test_every_model_that_is_fetched_says_its_licence_and_where_its_ap_is_from():
    for card in map(model_card, model_names()):
        assert card.licence, card.name
        if isinstance(card.more.get("ap"), float) and card.kind == "graph":
            assert "COCO" in card.more["ap_source"], card.name
        if card.kind == "graph":
            assert len(card.sha256) == 64, card.name
