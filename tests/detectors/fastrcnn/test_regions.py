"""Pooling of regions, their sampling and their loss: by hand, and against torchvision on the same inputs."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F
from torchvision import ops
from torchvision.models.detection import _utils as theirs
from torchvision.models.detection.roi_heads import fastrcnn_loss

from rtdet.detectors.family.truth import Truth
from rtdet.detectors.fastrcnn.head import DEVIATIONS, region_losses
from rtdet.detectors.fastrcnn.loss import class_losses, smooth_l1
from rtdet.detectors.fastrcnn.pooling import pool_regions, roi_align, roi_pool
from rtdet.detectors.fastrcnn.sampling import Regions, sample_regions
from rtdet.detectors.rcnn.boxes import clip, decode, encode

NONE = torch.zeros(0, 4)
PAPER = {"count": 64, "foreground": 0.25, "overlap": 0.5, "least_overlap": 0.1}


def some_boxes(count=40, seed=0, width=480.0, height=320.0):
    generator = torch.Generator().manual_seed(seed)
    low = torch.rand(count, 2, generator=generator) * torch.tensor([width, height]) * 0.8
    side = 5 + torch.rand(count, 2, generator=generator) * torch.tensor([width, height]) * 0.5
    return clip(torch.cat([low, low + side], 1), torch.tensor([width, height]))


@pytest.fixture
def feature_map():
    return torch.randn(5, 20, 30, generator=torch.Generator().manual_seed(0))


def test_roi_pooling_by_hand():
    cells = torch.arange(16.0).reshape(1, 4, 4)
    assert roi_pool(cells, torch.tensor([[0.0, 0, 48, 48]]), 2, 16).tolist() == [[[[5, 7], [13, 15]]]]
    # Three cells in two parts share the one in the middle.
    assert roi_pool(cells, torch.tensor([[0.0, 0, 32, 32]]), 2, 16).tolist() == [[[[5, 6], [9, 10]]]]


def test_roi_pooling_is_that_of_torchvision(feature_map):
    regions = some_boxes()
    rows = torch.cat([torch.zeros(40, 1), regions], 1)
    expected = ops.roi_pool(feature_map[None], rows, 7, 1 / 16)
    torch.testing.assert_close(roi_pool(feature_map, regions, 7, 16), expected)
    found = pool_regions(feature_map[None], regions[None], 7, 16, align=False)
    torch.testing.assert_close(found, expected)


def test_roi_align_by_hand():
    slope = torch.arange(8.0).expand(1, 8, 8)  # at x pixels it is x / 16 - 1/2
    found = roi_align(slope, torch.tensor([[16.0, 16, 80, 80]]), 2, 16)
    torch.testing.assert_close(found, torch.tensor([[[[1.5, 3.5], [1.5, 3.5]]]]))


def test_roi_align_is_that_of_torchvision(feature_map):
    regions = some_boxes()
    rows = torch.cat([torch.zeros(40, 1), regions], 1)
    expected = ops.roi_align(feature_map[None], rows, 7, 1 / 16, sampling_ratio=2, aligned=True)
    torch.testing.assert_close(roi_align(feature_map, regions, 7, 16), expected, atol=1e-4, rtol=1e-4)
    found = pool_regions(feature_map[None], regions[None], 7, 16, align=True)
    torch.testing.assert_close(found, expected)


def test_boxes_are_coded_as_the_paper_says_and_as_torchvision_does():
    proposal, box = torch.tensor([[10.0, 10, 30, 50]]), torch.tensor([[15.0, 10, 55, 50]])
    torch.testing.assert_close(encode(box, proposal), torch.tensor([[0.75, 0, math.log(2), 0]]))
    boxes, proposals = some_boxes(seed=1), some_boxes(seed=2)
    coder = theirs.BoxCoder((10.0, 10.0, 5.0, 5.0))
    coded = encode(boxes, proposals, DEVIATIONS)
    torch.testing.assert_close(coded, coder.encode_single(boxes, proposals), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(decode(coded, proposals, DEVIATIONS), boxes, rtol=1e-4, atol=1e-3)
    wild = torch.randn(40, 4) * 9
    torch.testing.assert_close(
        decode(wild, proposals, DEVIATIONS), coder.decode_single(wild, proposals), rtol=1e-4, atol=1e-2
    )


def test_smooth_l1_is_equation_3():
    found = torch.tensor([[0.5, -0.5, 3, 0]])
    torch.testing.assert_close(smooth_l1(found, torch.zeros(1, 4)), torch.tensor([0.125 * 2 + 2.5]))
    off = torch.randn(9, 4)
    expected = F.smooth_l1_loss(off, torch.zeros(9, 4), beta=1 / 9, reduction="none").sum(1)
    torch.testing.assert_close(smooth_l1(off, torch.zeros(9, 4), 1 / 9), expected)


def test_a_quarter_of_64_regions_shows_an_object_and_the_others_overlap_one_by_a_tenth_to_a_half():
    truth = Truth(torch.tensor([[100.0, 100, 200, 200]]), torch.tensor([2]), NONE)
    shift = torch.rand(2000, 4, generator=torch.Generator().manual_seed(0)) * 160 - 80
    proposals = truth.boxes + shift
    sampled = sample_regions(proposals, truth, **PAPER)
    overlap = ops.box_iou(sampled.boxes, truth.boxes)[:, 0]
    assert sampled.labels.tolist() == [3] * 16 + [0] * 48
    assert (overlap[:16] >= 0.5).all()
    assert ((overlap[16:] >= 0.1) & (overlap[16:] < 0.5)).all()
    assert (sampled.wanted[:16] == truth.boxes).all()
    assert (sampled.weight == 1).all()


def test_objects_are_regions_themselves_and_rows_that_fill_up_count_nothing():
    truth = Truth(torch.tensor([[10.0, 10, 20, 20]]), torch.tensor([0]), NONE, torch.tensor([0.5]))
    sampled = sample_regions(torch.zeros(0, 4), truth, **PAPER)
    assert sampled.boxes[0].tolist() == [10, 10, 20, 20]
    assert sampled.weight.tolist() == [0.5] + [0] * 63


def test_no_region_is_background_where_nothing_is_known():
    truth = Truth(NONE, torch.zeros(0, dtype=torch.long), torch.tensor([[0.0, 0, 240, 320]]))
    sampled = sample_regions(some_boxes(200), truth, **(PAPER | {"least_overlap": 0}))
    centers = (sampled.boxes[:, 0] + sampled.boxes[:, 2]) / 2
    assert (centers[sampled.weight > 0] >= 240).all()
    assert (sampled.weight > 0).any()


def test_background_may_be_any_class_that_is_not_always_labelled():
    logits = torch.tensor([[1.0, 2, 3], [1, 2, 3]])
    incomplete = torch.tensor([[False, True], [False, True]])
    found = class_losses(logits, torch.tensor([0, 1]), incomplete)
    chances = logits[0].softmax(0)
    torch.testing.assert_close(found, torch.stack([-(chances[0] + chances[2]).log(), -chances[1].log()]))


def test_the_losses_are_those_of_torchvision():
    torch.manual_seed(0)
    boxes, wanted = some_boxes(12), some_boxes(12, seed=3)
    labels = torch.tensor([0, 1, 2, 3] * 3)
    logits, offsets = torch.randn(12, 4), torch.randn(12, 4, 4)
    truths = [Truth(NONE, labels[:0], NONE)] * 2
    sampled = [
        Regions(boxes[part], labels[part], wanted[part], torch.ones(6)) for part in (slice(6), slice(6, 12))
    ]
    score, box, positives = region_losses(logits, offsets, sampled, truths, 1 / 9)
    target = theirs.BoxCoder((10.0, 10.0, 5.0, 5.0)).encode_single(wanted, boxes)
    expected = fastrcnn_loss(logits, offsets.transpose(1, 2).reshape(12, -1), [labels], [target])
    torch.testing.assert_close(score, expected[0])
    torch.testing.assert_close(box, expected[1])
    assert positives == 9
