from __future__ import annotations

import numpy as np
import pytest
import torch

from rtdet.detectors.ssd.architectures import build_network
from rtdet.detectors.ssd.catalogue import new_config
from rtdet.errors import UsageError
from rtdet.training.config import TrainConfig
from rtdet.training.engine import Trainer
from rtdet.training.freezing import early_layers
from rtdet.training.labeled import Labeled

NAMES = ("red", "green")


def _picture(seed):
    """Noise, with a box somewhere."""
    image = np.random.default_rng(seed).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    kept = Labeled(image, np.array([[8.0, 8, 40, 48]]), np.array([seed % 2]), np.array([False]))
    return lambda: kept


PICTURES = [_picture(seed) for seed in range(4)]


def _frozen(layers, model):
    """State of the layers: parameters, and statistics of norms."""
    return {
        name: value.clone() for name, value in model.state_dict().items() if name.rpartition(".")[0] in layers
    }


@pytest.mark.parametrize(
    ("name", "backbone", "within", "beyond"),
    [
        ("ssd-n", None, "backbone.stages.0", "backbone.stages.1.0.0"),
        ("csp-n", None, "backbone.stages.0", "backbone.stages.1.0.0.0"),
        ("ssd300", None, "early", "late.0"),
        ("ssdlite", None, "early.6", "early.7.block.1.0"),
        ("ssd300", "resnet18", "backbone.stages.0", "backbone.stages.1.0.conv1"),
        ("ssd300", "alexnet", "backbone.stages.0", "backbone.stages.1.0"),
        ("ssdlite", "ghostnet_100", "backbone.body.blocks_4", "backbone.body.blocks_5.0.conv_dw"),
    ],
)
def test_the_stages_up_to_stride_8_are_found_in_networks_of_every_kind(name, backbone, within, beyond):
    torch.manual_seed(0)
    model = build_network(new_config(name, NAMES, backbone))
    layers = early_layers(model, 8)
    assert within in layers
    assert beyond not in layers
    assert not any(layer.startswith(("pyramid", "score_heads", "heads", "extras")) for layer in layers)
    assert early_layers(model, 4) < layers < early_layers(model, 16)
    assert model.training


@pytest.mark.parametrize("folded", [False, True])
def test_frozen_layers_and_their_statistics_stay_bit_for_bit_and_the_others_learn(tmp_path, folded):
    torch.manual_seed(0)
    model = build_network(new_config("csp-n", NAMES))
    layers = early_layers(model, 8)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    config = TrainConfig(
        steps=3, batch=4, size=(64, 64), freeze=8, folded=folded, precision="fp32", workers=1
    )
    after = Trainer(model, config, tmp_path).fit(PICTURES).state_dict()
    kept = _frozen(layers, model)
    assert any(name.endswith("running_var") for name in kept)
    for name, value in after.items():
        if name in kept:
            assert torch.equal(value, before[name]), name
        elif value.ndim > 1 or name.endswith("running_var"):
            assert not torch.equal(value, before[name]), name


def test_a_frozen_training_that_was_cut_off_ends_with_the_same_bytes_and_stays_frozen(tmp_path):
    def trainer(folder, steps=4, freeze=8):
        torch.manual_seed(0)
        config = TrainConfig(
            steps=steps, batch=4, size=(64, 64), freeze=freeze, ema_decay=0.5, folded=True, workers=1
        )
        return Trainer(build_network(new_config("csp-n", NAMES)), config, folder)

    def cut(now, parts):
        if now.step == 2:
            now.save()
            raise InterruptedError

    with pytest.raises(InterruptedError):
        trainer(tmp_path / "cut").fit(PICTURES, cut)
    resumed = trainer(tmp_path / "cut")
    resumed.resume()
    resumed.fit(PICTURES)
    trainer(tmp_path / "whole").fit(PICTURES)
    for name in ("log.csv", "model.safetensors"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    with pytest.raises(UsageError, match="began with --freeze 8"):
        trainer(tmp_path / "cut", freeze=None).resume()
