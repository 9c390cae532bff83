from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from rtdet.detectors.ssd.architectures import build_network
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.training.blending import blend, graft
from rtdet.training.start import with_classes

CONFIG = SSDConfig(("a", "b"), (8, 8, 16, 16, 16), (1, 1, 1, 1), 8, architecture="csp-n")


def _network(seed, config=CONFIG):
    torch.manual_seed(seed)
    model = build_network(config)
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.running_mean, -0.1, 0.1)
            nn.init.uniform_(norm.running_var, 0.5, 2)
    return model.eval()


@pytest.fixture
def picture():
    return torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 255


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_at_either_end_a_blend_computes_what_that_network_does(picture, share):
    start, tuned = _network(1), _network(2)
    with torch.no_grad():
        expected = (tuned if share else start)(picture)
        for was, now in zip(expected, blend(start, tuned, share)(picture), strict=True):
            torch.testing.assert_close(now, was, atol=2e-4, rtol=2e-3)


def test_the_weights_of_a_blend_lie_in_between():
    start, tuned = _network(1), _network(2)
    final = [model.heads[0].boxes.weight for model in (start, tuned, blend(start, tuned, 0.25))]
    torch.testing.assert_close(final[2], 0.75 * final[0] + 0.25 * final[1])


def test_layers_that_are_kept_stay_those_of_the_start():
    start, tuned = _network(1), _network(2)
    made = blend(start, tuned, 0.5, kept=(".classes.",))
    torch.testing.assert_close(made.heads[0].classes.weight, start.heads[0].classes.weight)
    assert not torch.equal(made.heads[0].boxes.weight, start.heads[0].boxes.weight)


def test_networks_of_two_shapes_and_shares_out_of_range_are_refused():
    other = SSDConfig(("a",), (8, 8, 16, 16, 16), (1, 1, 1, 1), 8, architecture="csp-n")
    with pytest.raises(ValueError, match="one configuration"):
        blend(_network(1), _network(1, other), 0.5)
    with pytest.raises(ValueError, match=r"1\.5"):
        blend(_network(1), _network(2), 1.5)


def test_classes_that_a_fine_tuning_left_out_are_told_apart_again_on_what_it_learnt(picture):
    start = _network(1, replace(CONFIG, class_names=("a", "b", "c")))
    tuned = with_classes(start, ("c", "a"))
    with torch.no_grad():
        for conv in (tuned.heads[0].objects, tuned.heads[1].boxes):
            conv.weight.add_(0.1)
        tuned.rescale_scores(2.0, -1.0)
        offsets, logits = tuned(picture)
        whole = graft(start, tuned)
        now = whole(picture)
    assert whole.config == start.config
    torch.testing.assert_close(now[0], offsets, atol=2e-4, rtol=2e-3)
    torch.testing.assert_close(now[1][..., [2, 0]] * 2 - 1, logits, atol=2e-3, rtol=2e-3)


def test_only_networks_that_differ_in_nothing_but_their_classes_can_be_joined():
    other = replace(CONFIG, neck=16)
    with pytest.raises(ValueError, match="differ in their classes"):
        graft(_network(1), _network(2, other))
