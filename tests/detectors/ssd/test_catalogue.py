"""The SSDs that can be trained, and that each opens as a detector once it is saved."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from rtdet.detectors.registry import load_detector
from rtdet.detectors.ssd.architectures import build_network
from rtdet.detectors.ssd.catalogue import ALIASES, TRAINABLE, new_config, objective_for
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.loss import MultiboxLoss, QualityLoss, Truth
from rtdet.detectors.ssd.priors import make_priors
from rtdet.detectors.ssd.weights import load_weights, save_weights
from rtdet.errors import UnknownNameError, UsageError
from rtdet.types import Thresholds

# A name, a backbone and an input, small enough for a test.
SMALL = [
    ("ssd300", None, (64, 64)),
    ("ssd300", "resnet18", (96, 64)),
    ("ssdlite320", None, (64, 64)),
    ("ssdlite320", "ghostnet_100", (64, 64)),
    ("ssd-n", None, None),
    ("csp-n", None, None),
]


def test_a_short_name_is_the_first_of_its_kind():
    assert new_config("ssd", ("a",)) == new_config("ssd300", ("a",))
    assert new_config("ssdlite", ("a",)) == new_config("ssdlite320", ("a",))
    assert set(ALIASES.values()) <= set(TRAINABLE)


@pytest.mark.parametrize("name", ["ssd300", "ssd512", "ssdlite320"])
def test_a_name_with_a_number_has_that_input(name):
    size = (int(name[-3:]),) * 2
    assert new_config(name, ("a",)).input_size == TRAINABLE[name].input_size == size
    assert new_config(name, ("a",), "resnet18").input_size == size


def test_softmax_networks_learn_by_the_multibox_loss_and_the_others_by_quality():
    for name in TRAINABLE:
        config = new_config(name, ("a", "b"))
        assert isinstance(objective_for(config), MultiboxLoss if config.background else QualityLoss)
    assert new_config("ssd300", ("a",)).background
    assert not new_config("csp-n", ("a",)).background


def test_what_does_not_go_together_is_one_line():
    with pytest.raises(UnknownNameError, match="unknown model to train 'sdd300': did you mean ssd300"):
        new_config("sdd300", ("a",))
    with pytest.raises(UsageError, match="ssd-n has its own backbone"):
        new_config("ssd-n", ("a",), "vgg16")
    with pytest.raises(UsageError, match="32x32 is too small"):
        new_config("ssd300", ("a",), input_size=(32, 32))


def test_names_are_known_without_torch():
    code = (
        "import sys; from rtdet.detectors.ssd.catalogue import TRAINABLE, new_config;"
        "new_config('ssd300', ('a',)); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("name", "backbone", "size"), SMALL)
def test_a_saved_network_opens_as_a_detector_with_its_classes(name, backbone, size, tmp_path):
    torch.manual_seed(0)
    config = new_config(name, ("cat", "dog"), backbone, size)
    assert SSDConfig.from_dict(config.as_dict()) == config
    save_weights(build_network(config), tmp_path / "mine.safetensors")
    assert load_weights(tmp_path / "mine.safetensors").config == config
    options = {} if size else {"imgsz": 64}
    detector = load_detector(
        tmp_path / "mine.safetensors", thresholds=Thresholds(0.0), device="cpu", precision="fp32", **options
    )
    picture = np.random.default_rng(0).integers(0, 255, (50, 80, 3), dtype=np.uint8)
    (found,) = detector.detect([picture])
    detector.close()
    assert tuple(detector.class_names) == ("cat", "dog")
    assert len(found) > 0
    assert (found.boxes >= 0).all()
    assert (found.boxes <= [80, 50, 80, 50]).all()


@pytest.mark.parametrize(("name", "backbone", "size"), SMALL)
def test_every_weight_of_it_learns(name, backbone, size):
    torch.manual_seed(0)
    config = new_config(name, ("a", "b"), backbone, size)
    model, size = build_network(config), config.input_size or (64, 64)
    offsets, logits = model(torch.rand(2, 3, size[1], size[0]) * 255)
    priors = torch.from_numpy(make_priors(config.levels, size)).float()
    truth = Truth(torch.tensor([[8.0, 8, 40, 40]]), torch.tensor([1]), torch.zeros(0, 4))
    parts = objective_for(config)(offsets, logits, priors, [truth, truth])
    (parts.total + 1e-3 * (offsets.square().mean() + logits.square().mean())).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_rescaling_a_softmax_network_of_one_class_rescales_the_logit_of_its_score():
    torch.manual_seed(0)
    model = build_network(new_config("ssdlite", ("a",), None, (64, 64))).eval()
    for head in model.score_heads:
        torch.nn.init.normal_(head[1].bias)
    picture = torch.rand(1, 3, 64, 64) * 255
    with torch.no_grad():
        before = model(picture)[1]
        model.rescale_scores(2.0, -1.0)
        after = model(picture)[1]
    torch.testing.assert_close(after[..., 1] - after[..., 0], 2 * (before[..., 1] - before[..., 0]) - 1)
