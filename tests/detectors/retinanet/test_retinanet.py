"""RetinaNet's focal loss, matching and box coding: by hand, and against torchvision on the same inputs."""

from __future__ import annotations

import math

import pytest
import torch
from torchvision.models.detection import _utils as theirs
from torchvision.models.detection.retinanet import RetinaNetClassificationHead, RetinaNetRegressionHead
from torchvision.ops import sigmoid_focal_loss

from rtdet.detectors.family.counting import cost_of
from rtdet.detectors.family.grids import from_center
from rtdet.detectors.family.registry import build, new_config
from rtdet.detectors.family.truth import Truth
from rtdet.detectors.retinanet.anchors import anchors_of, decode, encode, match, shapes_of
from rtdet.detectors.retinanet.config import STRIDES, RetinaNetConfig
from rtdet.detectors.retinanet.loss import focal_loss

NAMES = ("a", "b", "c")
MAPS = [torch.zeros(1, 1, -(-96 // stride), -(-128 // stride)) for stride in STRIDES]


def some_boxes(count=7, seed=0):
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator) * torch.tensor([100.0, 70.0])
    return torch.cat([corner, corner + 6 + torch.rand(count, 2, generator=generator) * 60], 1)


def anchors():
    config = RetinaNetConfig(NAMES)
    return anchors_of(MAPS, STRIDES, config.scales, config.ratios)


def test_the_focal_loss_by_hand():
    logits = torch.tensor([0.0, 0.0, math.log(9)])
    target = torch.tensor([1.0, 0.0, 1.0])
    expected = [0.25 * 0.25 * math.log(2), 0.75 * 0.25 * math.log(2), 0.25 * 0.01 * -math.log(0.9)]
    torch.testing.assert_close(focal_loss(logits, target, 0.25, 2.0), torch.tensor(expected))
    torch.testing.assert_close(
        focal_loss(logits, target, 0.25, 2.0), sigmoid_focal_loss(logits, target, 0.25, 2.0)
    )


def test_anchors_have_the_areas_and_the_shapes_of_section_4():
    shapes = shapes_of(8, (1.0, 2 ** (1 / 3), 2 ** (2 / 3)), (0.5, 1.0, 2.0))
    assert len(shapes) == 9
    for i, (w, h) in enumerate(shapes):
        assert w * h == pytest.approx((32 * 2 ** (i % 3 / 3)) ** 2)
        assert h / w == pytest.approx((0.5, 1.0, 2.0)[i // 3])
    assert anchors()[0, :2].tolist() == [4, 4]


def test_boxes_are_coded_as_torchvision_codes_them_and_come_back():
    boxes, some = some_boxes(), anchors()[::50][:7]
    coder = theirs.BoxCoder((1.0, 1.0, 1.0, 1.0))
    corners = from_center(some[:, :2], some[:, 2:])
    torch.testing.assert_close(encode(boxes, some), coder.encode_single(boxes, corners), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(decode(encode(boxes, some), some), boxes, rtol=1e-4, atol=1e-3)
    offsets = torch.randn(7, 4, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        decode(offsets, some), coder.decode_single(offsets, corners), rtol=1e-4, atol=1e-2
    )


@pytest.mark.parametrize("seed", range(4))
def test_anchors_are_matched_as_torchvision_matches_them(seed):
    boxes = some_boxes(seed=seed)
    some = anchors()
    corners = from_center(some[:, :2], some[:, 2:])
    matcher = theirs.Matcher(0.5, 0.4, allow_low_quality_matches=True)
    from torchvision.ops import box_iou

    expected = matcher(box_iou(boxes, corners))
    found = match(corners, boxes, 0.5, 0.4)
    assert torch.equal(found.positive, expected >= 0)
    assert torch.equal(found.between, expected == matcher.BETWEEN_THRESHOLDS)
    assert torch.equal(found.matched[found.positive], expected[expected >= 0])


def test_no_anchor_answers_in_a_picture_without_objects():
    found = match(torch.rand(5, 4), torch.zeros(0, 4), 0.5, 0.4)
    assert not found.positive.any()
    assert not found.between.any()


def test_the_losses_are_those_of_torchvision():
    torch.manual_seed(0)
    network = build(new_config("retinanet-n", NAMES))
    object.__setattr__(network.config, "smoothness", 0.0)  # torchvision's is plain L1
    boxes, labels = some_boxes(), torch.tensor([0, 1, 2, 0, 1, 2, 0])
    outputs = (
        tuple(torch.randn(1, 9 * 3, *x.shape[2:]) for x in MAPS),
        tuple(torch.randn(1, 9 * 4, *x.shape[2:]) for x in MAPS),
    )
    losses = network.criterion(outputs, [Truth(boxes, labels, torch.zeros(0, 4))], (128, 96))
    logits, offsets, some = network._rows(outputs)
    corners = from_center(some[:, :2], some[:, 2:])
    from torchvision.ops import box_iou

    matched = theirs.Matcher(0.5, 0.4, allow_low_quality_matches=True)(box_iou(boxes, corners))
    targets = [{"boxes": boxes, "labels": labels}]
    scores = RetinaNetClassificationHead(8, 9, 3).compute_loss(targets, {"cls_logits": logits}, [matched])
    sides = RetinaNetRegressionHead(8, 9).compute_loss(
        targets, {"bbox_regression": offsets}, [corners], [matched]
    )
    assert losses.positives == int((matched >= 0).sum())
    torch.testing.assert_close(losses.parts["score"], scores)
    torch.testing.assert_close(losses.parts["box"], sides)


def test_the_published_network_has_the_size_that_its_layers_add_up_to():
    with torch.device("meta"):
        network = build(new_config("retinanet", tuple(f"class {i}" for i in range(80))))
    trunk = 23_508_032  # ResNet-50 without its classifier
    square, laterals = 256 * 256 * 9 + 256, (512 + 1024 + 2048) * 256 + 3 * 256
    pyramid = laterals + 3 * square + (2048 * 256 * 9 + 256) + square
    heads = 8 * square + (256 * 9 * 720 + 720) + (256 * 9 * 36 + 36)
    assert cost_of(network, (800, 800)).parameters == trunk + pyramid + heads
