"""`rtdet models`: what is there, and what it needs."""

from __future__ import annotations

import importlib.util

import pytest

from rtdet import extras


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
        "needs:       extra torch, which is not installed: "
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
