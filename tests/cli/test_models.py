"""`rtdet models`: what is there, and what it needs."""

from __future__ import annotations

import importlib.util

import pytest

from rtdet import extras
from rtdet.detectors.cards import model_card, model_names


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


def test_every_model_that_is_fetched_says_its_licence_and_where_its_ap_is_from():
    for card in map(model_card, model_names()):
        assert card.licence, card.name
        if isinstance(card.more.get("ap"), float) and card.kind == "graph":
            assert "COCO" in card.more["ap_source"], card.name
        if card.kind == "graph":
            assert len(card.sha256) == 64, card.name
