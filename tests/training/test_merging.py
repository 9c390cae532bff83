from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from rtdet.detectors.ssd.architectures import build_network
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.training.blending import blend
from rtdet.training.merging import Expert, input_moments, merge

CONFIG = SSDConfig(("a", "b"), (8, 8, 16, 16, 16), (1, 1, 1, 1), 8, architecture="csp-n")


def _pictures(seed, channels):
    """Pictures in which only some channels show anything."""
    shown = torch.zeros(3)
    shown[list(channels)] = 255
    made = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(seed))
    return [made * shown[:, None, None]]


@pytest.fixture
def networks():
    """A start, and what became of it: its weights a little off."""
    torch.manual_seed(0)
    start = build_network(CONFIG).eval()
    tuned = build_network(CONFIG).eval()
    with torch.no_grad():
        for name, value in tuned.state_dict().items():
            value.copy_(start.state_dict()[name])
            if name.endswith("weight"):
                value.add_(torch.randn_like(value) * value.abs().mean() * 0.2)
    return start, tuned


def _off(network, wanted, pictures):
    with torch.no_grad():
        return sum(
            float((a - b).square().mean()) for a, b in zip(network(pictures), wanted(pictures), strict=True)
        )


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_at_either_end_the_merged_network_computes_what_that_one_does(networks, share):
    start, tuned = networks
    pictures = _pictures(1, (0, 1, 2))
    made = merge(Expert(start, pictures), Expert(tuned, pictures), share)
    assert _off(made, (start, tuned)[round(share)], pictures[0]) < 1e-6


def test_on_the_pictures_of_each_it_is_nearer_to_that_one_than_a_blend_is(networks):
    start, tuned = networks
    blue, red = _pictures(1, (0,)), _pictures(2, (2,))
    made, blended = merge(Expert(start, blue), Expert(tuned, red)), blend(start, tuned, 0.5)
    assert _off(made, start, blue[0]) < 0.8 * _off(blended, start, blue[0])
    assert _off(made, tuned, red[0]) < 0.8 * _off(blended, tuned, red[0])


@pytest.mark.parametrize("conv", [nn.Conv2d(4, 6, 3, 2, 1), nn.Conv2d(4, 8, 3, 1, 1, groups=4)])
def test_moments_are_those_of_what_each_output_is_computed_from(conv):
    images = torch.rand(3, 4, 9, 8, generator=torch.Generator().manual_seed(0))
    moment = input_moments(nn.Sequential(conv), [images[:1], images[1:]])["0"]
    assert moment.shape == (conv.groups, 36 // conv.groups + 1, 36 // conv.groups + 1)
    # The mean square of the outputs follows from them.
    weight = torch.cat(
        [conv.weight.double().unflatten(0, (conv.groups, -1)).flatten(2),
         conv.bias.double().view(conv.groups, -1, 1)], 2,
    )  # fmt: skip
    squares = torch.einsum("god,gde,goe->go", weight, moment, weight).flatten()
    wanted = F.conv2d(images, conv.weight, conv.bias, conv.stride, conv.padding, groups=conv.groups)
    torch.testing.assert_close(squares.float(), wanted.square().mean((0, 2, 3)), atol=1e-5, rtol=1e-4)


def test_two_shapes_shares_out_of_range_and_no_pictures_are_refused(networks):
    start, tuned = networks
    pictures = _pictures(1, (0,))
    other = build_network(SSDConfig(("a",), (8, 8, 16, 16, 16), (1, 1, 1, 1), 8, architecture="csp-n"))
    with pytest.raises(ValueError, match="one configuration"):
        merge(Expert(start, pictures), Expert(other.eval(), pictures))
    with pytest.raises(ValueError, match=r"1\.5"):
        merge(Expert(start, pictures), Expert(tuned, pictures), 1.5)
    with pytest.raises(ValueError, match="pictures"):
        merge(Expert(start, []), Expert(tuned, pictures))
