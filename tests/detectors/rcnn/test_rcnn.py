"""R-CNN: what it cuts out of a picture, what it learns from, and what it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from rtdet.detectors.family.counting import cost_of
from rtdet.detectors.family.postprocess import postprocess
from rtdet.detectors.family.registry import build, new_config
from rtdet.detectors.family.truth import Truth
from rtdet.detectors.fastrcnn.sampling import Regions
from rtdet.detectors.rcnn.boxes import encode
from rtdet.detectors.rcnn.config import RcnnConfig
from rtdet.detectors.rcnn.loss import warped_losses
from rtdet.detectors.rcnn.warping import warp, with_context
from rtdet.errors import UsageError
from rtdet.geometry.letterbox import Letterbox
from rtdet.training.freezing import early_layers
from rtdet.types import Thresholds

NAMES = ("blue", "red")


def small(**changes):
    torch.manual_seed(0)
    return build(replace(new_config("rcnn-n", NAMES), **changes))


def picture_with_two():
    """A grey picture (1, 3, 64, 96) with a blue and a red box, and where they are."""
    made = np.random.default_rng(0).normal(120, 4, (64, 96, 3))
    made[10:50, 8:30] = (230, 40, 20)
    made[20:44, 50:86] = (20, 20, 230)
    image = torch.from_numpy(made.clip(0, 255)).permute(2, 0, 1)[None].float()
    return image, torch.tensor([[8.0, 10, 30, 50], [50, 20, 86, 44]])


def test_the_papers_numbers_are_the_defaults():
    config = RcnnConfig(NAMES)
    assert (config.side, config.context, config.proposals) == (227, 16, 2000)
    assert (config.region_overlap, config.region_foreground, config.box_overlap) == (0.5, 0.25, 0.6)
    assert config.most_overlap == 0.3
    assert not config.joint
    assert not config.shared_boxes


def test_of_a_warped_region_sixteen_pixels_at_each_end_are_what_is_around_it():
    region = torch.tensor([[100.0, 200, 100 + 195, 200 + 390]])
    assert with_context(region, 227, 16).tolist() == [[84, 168, 311, 622]]


def test_a_region_is_warped_whatever_its_shape():
    down, across = torch.meshgrid(torch.arange(60.0), torch.arange(80.0), indexing="ij")
    ramp = torch.stack([across, down, across])[None]
    region = torch.tensor([[[10.0, 20, 26, 52]]])
    (warped,) = warp(ramp, region, 8)
    # A pixel's value is that of its centre: the first of eight covers 2 columns from 10 and 4 rows from 20.
    torch.testing.assert_close(warped[0, 0], 10.5 + 2 * torch.arange(8.0))
    torch.testing.assert_close(warped[1, :, 0], 21.5 + 4 * torch.arange(8.0))


def test_outside_of_the_picture_there_is_nothing_to_see():
    region = torch.tensor([[[-16.0, 0, 16, 32]]])
    (warped,) = warp(torch.ones(1, 3, 32, 32), region, 8)
    assert (warped[..., :3] == 0).all()
    assert (warped[..., 5:] == 1).all()


def test_how_many_regions_go_through_together_changes_nothing():
    image, boxes = picture_with_two()
    network = small().eval()
    regions = torch.cat([boxes, boxes + 3, boxes - 5])[None]
    with torch.no_grad():
        together = network.decode(network(image, regions))
        network.config = replace(network.config, at_once=2)
        apart = network.decode(network(image, regions))
    torch.testing.assert_close(apart[0], together[0])
    torch.testing.assert_close(apart[1], together[1])


def test_what_only_fills_up_scores_nothing():
    image, _ = picture_with_two()
    network = small().eval()
    with torch.no_grad():
        seen = network(image)
        scores = network.decode(seen)[1]
    is_real = (seen.regions[0, :, 2:] > seen.regions[0, :, :2]).all(1)
    assert 0 < is_real.sum() < len(is_real)
    assert (scores[0, ~is_real] == 0).all()
    assert (scores[0, is_real].sum(1) > 0).all()


def test_only_regions_near_an_object_learn_its_box():
    wanted = torch.tensor([[0.0, 0, 20, 20]]).repeat(3, 1)
    boxes = torch.tensor([[0.0, 0, 20, 13], [0, 0, 20, 11], [40, 40, 60, 60]])  # IoU .65, .55 and 0
    sampled = [Regions(boxes, torch.tensor([1, 2, 0]), wanted, torch.ones(3))]
    truth = Truth(wanted[:1], torch.tensor([0]), torch.zeros(0, 4))
    offsets = torch.zeros(3, 4, 3, requires_grad=True)
    score, box, positives = warped_losses(torch.zeros(3, 3), offsets, sampled, [truth], 0.6)
    target = encode(wanted[:1], boxes[:1], (0.1, 0.1, 0.2, 0.2))
    assert positives == 2
    torch.testing.assert_close(score, torch.tensor(3.0).log())
    torch.testing.assert_close(box, target.square().sum() / 2 / 3)
    box.backward()
    assert offsets.grad is not None
    assert offsets.grad[0, :, 1].abs().sum() > 0  # of its own class only
    assert offsets.grad[0, :, [0, 2]].abs().sum() == 0
    assert offsets.grad[1:].abs().sum() == 0


@pytest.mark.parametrize("joint", [True, False])
def test_the_boxes_train_the_convolutions_only_where_it_is_asked_for(joint):
    image, boxes = picture_with_two()
    network = small(joint=joint).train()
    truth = Truth(boxes, torch.tensor([0, 1]), torch.zeros(0, 4))
    network.criterion(network(image, boxes[None]), [truth], (96, 64)).parts["box"].backward()
    assert network.box.weight.grad.abs().sum() > 0
    gradients = [parameter.grad is not None for parameter in network.backbone.parameters()]
    assert all(gradients) if joint else not any(gradients)


def test_a_picture_is_learnt_by_heart():
    image, boxes = picture_with_two()
    network = small(region_samples=32, dropout=0.0).train()
    truth = Truth(boxes, torch.tensor([0, 1]), torch.zeros(0, 4))
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for _ in range(30):
        losses = network.criterion(network(image), [truth], (96, 64))
        optimizer.zero_grad()
        losses.total.backward()
        optimizer.step()
    back = Letterbox((1, 1), (0, 0), (96, 64))
    network.config = replace(network.config, proposals=100)
    with torch.no_grad():
        found = network.detections(network(image), (96, 64), [back], Thresholds(0.3))[0]
    for box, label in zip(boxes.numpy(), (0, 1), strict=True):
        best = found.boxes[found.labels == label][0]
        np.testing.assert_allclose(best, box, atol=4)


def test_what_overlaps_by_more_than_the_paper_allows_is_one_object():
    boxes = np.array([[0.0, 0, 20, 20], [0, 9, 20, 29], [50, 50, 60, 60]])  # the first two: IoU .38
    scores = np.array([[0.9, 0], [0.8, 0], [0.7, 0]])
    back = Letterbox((1, 1), (0, 0), (96, 64))
    counts = [
        len(postprocess(boxes, scores, back, Thresholds(iou=iou), NAMES, "nms", most))
        for iou, most in ((0.5, 1.0), (0.5, 0.3), (0.2, 0.3), (0.2, 1.0))
    ]
    assert counts == [3, 2, 2, 2]


def test_the_published_network_has_the_size_that_its_layers_add_up_to():
    with torch.device("meta"):
        network = build(new_config("rcnn", tuple(f"class {i}" for i in range(20))))
    convolutions = 2_469_696  # AlexNet's
    connected = 9216 * 4096 + 4096 + 4096 * 4096 + 4096
    outputs = 4097 * 21 + 9217 * 84
    cost = cost_of(network, (416, 256))
    assert cost.parameters == convolutions + connected + outputs
    assert cost.multiply_adds > 2000 * 6e8  # it judges 2000 regions one by one


def test_no_layer_of_it_can_be_frozen_by_a_stride():
    with pytest.raises(UsageError, match="omit --freeze"):
        early_layers(small(), 8)
