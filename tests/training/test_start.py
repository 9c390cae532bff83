from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from rtdet.detectors.ssd.architectures import build_network
from rtdet.detectors.ssd.catalogue import new_config
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.weights import save_weights
from rtdet.errors import ModelError, UnknownNameError, UsageError
from rtdet.training.start import has_norms, open_start, with_classes

CONFIGS = [
    SSDConfig(("person", "car", "bus"), (8, 8, 16, 16, 16), (1, 1, 1), 8),
    SSDConfig(("person", "car", "bus"), (8, 8, 16, 16, 16), (1, 1, 1, 1), 8, architecture="csp-n"),
    replace(new_config("ssdlite", ("person", "car", "bus"), "mobilenetv3_small_050", (64, 64)), neck=16),
]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.architecture)
def test_classes_that_are_kept_keep_their_scores_and_boxes_whatever_their_order(config):
    torch.manual_seed(0)
    model = build_network(config).eval()
    for final in model.parameters():
        torch.nn.init.normal_(final, std=0.05)
    tuned = with_classes(model, ("dog", "bus", "person"))
    picture = torch.rand(1, 3, 64, 64) * 255
    with torch.no_grad():
        offsets, logits = model(picture)
        offsets_now, logits_now = tuned(picture)
    first = int(config.background)
    torch.testing.assert_close(offsets_now, offsets)
    torch.testing.assert_close(logits_now[..., first + 1], logits[..., first + 2])
    torch.testing.assert_close(logits_now[..., first + 2], logits[..., first + 0])
    if config.background:
        torch.testing.assert_close(logits_now[..., 0], logits[..., 0])
    assert logits_now.shape[-1] == 3 + first


def test_the_same_classes_are_the_same_network():
    model = build_network(CONFIGS[0])
    assert with_classes(model, ("person", "car", "bus")) is model


def test_a_name_is_a_fresh_network_and_a_file_a_trained_one(tmp_path):
    network, trained = open_start("csp-n", ("a", "b"))
    assert not trained
    assert network.config.class_names == ("a", "b")
    assert has_norms(network)
    save_weights(build_network(CONFIGS[0]), tmp_path / "m.safetensors")
    network, trained = open_start(str(tmp_path / "m.safetensors"), ("car", "tram"))
    assert trained
    assert network.config.class_names == ("car", "tram")


def test_the_embedded_model_can_be_tuned_by_its_name():
    network, trained = open_start("rtdet-n", ("person", "forklift"))
    assert trained
    assert network.config.class_names == ("person", "forklift")


def test_what_cannot_be_started_from_is_said(tmp_path):
    with pytest.raises(UnknownNameError, match="csp-n"):
        open_start("cspn", ("a",))
    with pytest.raises(ModelError, match=r"gone\.safetensors"):
        open_start(str(tmp_path / "gone.safetensors"), ("a",))
    with pytest.raises(UsageError, match="backbone"):
        open_start("rtdet-n", ("a",), "resnet18")
