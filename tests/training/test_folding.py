from __future__ import annotations

import pytest
import torch
from torch import nn

from rtdet.detectors.ssd.architectures import build_network
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.training.folding import fold, is_foldable, unfold

CONFIGS = [
    SSDConfig(("a", "b"), (8, 8, 16, 16, 16), (1, 1, 1, 1), 8, architecture="csp-n"),
    SSDConfig(("a", "b"), (8, 8, 16, 16, 16), (1, 1, 1), 8),
]


def _network(config):
    """With norms whose statistics and weights are not those of a fresh one."""
    torch.manual_seed(1)
    model = build_network(config)
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.running_mean, -1, 1)
            nn.init.uniform_(norm.running_var, 0.5, 2)
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.uniform_(norm.bias, -0.5, 0.5)
    return model.eval()


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.architecture)
def test_folding_and_unfolding_change_nothing_that_is_computed(config):
    model, picture = _network(config), torch.rand(1, 3, 64, 64) * 255
    with torch.no_grad():
        expected = model(picture)
        folded = fold(model)
        again = unfold(folded)
        for made in (folded, again):
            for was, now in zip(expected, made(picture), strict=True):
                torch.testing.assert_close(now, was, atol=2e-4, rtol=2e-3)
    assert not is_foldable(folded)
    assert is_foldable(again)


def test_what_a_folded_network_learns_is_in_the_unfolded_one():
    folded, picture = fold(_network(CONFIGS[0])), torch.rand(1, 3, 64, 64) * 255
    optimizer = torch.optim.SGD(folded.parameters(), lr=1e-3)
    folded(picture)[1].mean().backward()
    optimizer.step()
    with torch.no_grad():
        for was, now in zip(folded(picture), unfold(folded)(picture), strict=True):
            torch.testing.assert_close(now, was, atol=2e-4, rtol=2e-3)


def test_the_original_is_left_alone():
    model = _network(CONFIGS[0])
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fold(model)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, before[name], atol=0, rtol=0)


def test_a_network_that_was_not_folded_cannot_be_unfolded():
    with pytest.raises(ValueError, match="not folded"):
        unfold(_network(CONFIGS[0]))


def test_a_norm_that_holds_an_activation_stays_what_it_is():
    from timm.layers import BatchNormAct2d

    assert not is_foldable(nn.Sequential(nn.Conv2d(3, 8, 1), BatchNormAct2d(8)))
    assert is_foldable(nn.Sequential(nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8)))
