"""Faster R-CNN, its anchors, targets, proposals and losses: by hand, and against torchvision on equal inputs."""

from __future__ import annotations

import math

import pytest
import torch
from torchvision import ops
from torchvision.models.detection import _utils as theirs
from torchvision.models.detection.rpn import RegionProposalNetwork

from rtdet.detectors.family.counting import cost_of
from rtdet.detectors.family.registry import build, new_config
from rtdet.detectors.family.truth import Truth
from rtdet.detectors.fasterrcnn.anchors import anchors_of, ask, matched, shapes_of
from rtdet.detectors.fasterrcnn.config import FasterRcnnConfig
from rtdet.detectors.fasterrcnn.proposals import propose, survivors

NAMES = ("a", "b", "c")
SIZE = (128, 96)
SHAPES = shapes_of((16.0, 40.0, 100.0), (0.5, 1.0, 2.0))
MAP = torch.zeros(1, 1, 12, 16)
NONE = torch.zeros(0, 4)


def some_boxes(count=7, seed=0, within=SIZE):
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator) * torch.tensor([100.0, 70.0])
    boxes = torch.cat([corner, corner + 6 + torch.rand(count, 2, generator=generator) * 60], 1)
    return torch.minimum(boxes, torch.tensor([*within, *within], dtype=torch.float32))


def asked(truth, anchors, **changes):
    settings = {"overlap": 0.7, "background": 0.3, "samples": 256, "foreground": 0.5, "inside_only": False}
    return ask(anchors, truth, SIZE, **(settings | changes))


def test_the_paper_has_three_sizes_and_three_ratios_of_anchors_at_each_place():
    config = FasterRcnnConfig(NAMES)
    shapes = shapes_of(config.sizes, config.ratios)
    assert len(shapes) == 9
    assert shapes[1] == (128, 128)
    for i, (width, height) in enumerate(shapes):
        assert width * height == pytest.approx((128 * 2 ** (i // 3)) ** 2)
        assert height / width == pytest.approx((0.5, 1, 2)[i % 3])
    numbers = (config.rpn_overlap, config.rpn_background, config.rpn_samples, config.region_samples)
    assert numbers == (0.7, 0.3, 256, 64)


def test_anchors_lie_around_the_middle_of_their_cell():
    anchors = anchors_of(MAP, 8, SHAPES)
    assert len(anchors) == 12 * 16 * 9
    assert anchors[1].tolist() == [-4, -4, 12, 12]
    assert anchors[(16 + 2) * 9 + 1].tolist() == [12, 4, 28, 20]


@pytest.mark.parametrize("seed", range(4))
def test_anchors_are_matched_as_torchvision_matches_them(seed):
    boxes, anchors = some_boxes(seed=seed), anchors_of(MAP, 8, SHAPES)
    expected = theirs.Matcher(0.7, 0.3, allow_low_quality_matches=True)(ops.box_iou(boxes, anchors))
    which, positive, negative = matched(anchors, boxes, 0.7, 0.3)
    assert torch.equal(positive, expected >= 0)
    assert torch.equal(negative, expected == theirs.Matcher.BELOW_LOW_THRESHOLD)
    assert torch.equal(which[positive], expected[positive])


def test_of_256_anchors_at_most_half_find_an_object_and_the_rest_shows_none():
    anchors = anchors_of(MAP, 8, SHAPES)
    crowd = anchors[(anchors[:, :2] >= 0).all(1) & (anchors[:, 2:] <= torch.tensor(SIZE)).all(1)][:400]
    truth = Truth(crowd, torch.zeros(len(crowd), dtype=torch.long), NONE)
    chosen = asked(truth, anchors)
    assert len(chosen.positive) == 128
    single = Truth(some_boxes(1), torch.tensor([0]), NONE)
    chosen = asked(single, anchors)
    assert len(chosen.positive) + len(chosen.negative) == 256
    assert ops.box_iou(anchors[chosen.negative], single.boxes).max() < 0.3


def test_anchors_that_leave_the_picture_and_those_in_ignored_regions_are_not_asked():
    anchors = anchors_of(MAP, 8, SHAPES)
    truth = Truth(torch.tensor([[50.0, 40, 66, 56]]), torch.tensor([0]), torch.tensor([[0.0, 0, 64, 96]]))
    chosen = asked(truth, anchors, inside_only=True)
    for rows in (chosen.positive, chosen.negative):
        assert (anchors[rows, :2] >= 0).all()
        assert (anchors[rows, 2:] <= torch.tensor(SIZE)).all()
    centers = (anchors[chosen.negative, 0] + anchors[chosen.negative, 2]) / 2
    assert (centers >= 64).all()


@pytest.mark.parametrize("overlap", [0.3, 0.5, 0.7])
def test_what_survives_is_what_greedy_nms_keeps(overlap):
    boxes = torch.stack([some_boxes(200, seed) for seed in (0, 1)])
    scores = torch.arange(200, 0, -1).float()
    for one, kept in zip(boxes, survivors(boxes, overlap), strict=True):
        assert kept.nonzero()[:, 0].tolist() == sorted(ops.nms(one, scores, overlap).tolist())


def test_proposals_are_the_best_anchors_moved_cut_and_thinned_out():
    anchors = torch.tensor([[10.0, 10, 50, 50], [12, 10, 52, 50], [-20, 60, 20, 90], [200, 10, 220, 30]])
    objectness = torch.tensor([[1.0, 2.0, 0.5, 9.0]])
    offsets = torch.zeros(1, 4, 4)
    offsets[0, 2, 0] = 0.25
    boxes, is_real = propose(
        objectness, offsets, anchors, torch.tensor([128.0, 96]), candidates=6, count=3, overlap=0.7
    )
    assert boxes[0, :2].tolist() == [[12, 10, 52, 50], [0, 60, 30, 90]]
    assert is_real[0].tolist() == [True, True, False]


def test_the_first_stages_losses_are_those_of_torchvision():
    torch.manual_seed(0)
    network = build(new_config("fasterrcnn-n", NAMES))
    anchors = anchors_of(MAP, 8, SHAPES)
    truths = [Truth(some_boxes(5, seed), torch.zeros(5, dtype=torch.long), NONE) for seed in (0, 1)]
    objectness, offsets = torch.randn(2, len(anchors)), torch.randn(2, len(anchors), 4)
    torch.manual_seed(1)
    found = network._first_losses(objectness, offsets, anchors, truths, SIZE)
    torch.manual_seed(1)
    chosen = [asked(truth, anchors) for truth in truths]
    labels = [torch.full((len(anchors),), -1.0) for _ in truths]
    wanted = [torch.zeros(len(anchors), 4) for _ in truths]
    coder = theirs.BoxCoder((1.0, 1.0, 1.0, 1.0))
    for i, one in enumerate(chosen):
        labels[i][one.positive], labels[i][one.negative] = 1, 0
        wanted[i][one.positive] = coder.encode_single(one.wanted, anchors[one.positive])
    rpn = RegionProposalNetwork(None, None, 0.7, 0.3, 256, 0.5, {}, {}, 0.7)
    rpn.fg_bg_sampler = lambda labels: ([one == 1 for one in labels], [one == 0 for one in labels])
    expected = rpn.compute_loss(objectness.flatten()[:, None], offsets.flatten(0, 1), labels, wanted)
    torch.testing.assert_close(found[0], expected[0])
    torch.testing.assert_close(found[1], expected[1])


def test_a_box_is_found_where_both_stages_are_sure_of_it():
    torch.manual_seed(0)
    network = build(new_config("fasterrcnn-n", NAMES)).eval()
    with torch.no_grad():
        network.head.score.weight.zero_()
        network.head.score.bias.copy_(torch.tensor([0.0, 0, math.log(5), 0]))
        network.head.box.weight.zero_()
        shared = torch.randn(1, 96, 12, 16)
        objectness, offsets = torch.full((1, 9, 12, 16), -9.0), torch.zeros(1, 36, 12, 16)
        objectness[0, 4, 5, 7] = 3
        boxes, scores = network.decode((shared, objectness, offsets))
    assert boxes.shape == (1, 100, 4)
    assert boxes[0, 0].tolist() == [40, 24, 80, 64]
    torch.testing.assert_close(scores[0, 0], torch.tensor([1, 5, 1]) / 8)


def test_a_class_that_may_be_unlabelled_makes_background_count_less():
    anchors = anchors_of(MAP, 8, SHAPES)
    truth = Truth(some_boxes(1), torch.tensor([0]), NONE, None, torch.tensor([True, False, False]))
    assert asked(truth, anchors).known == pytest.approx(2 / 3)


def test_the_published_network_has_the_size_that_its_layers_add_up_to():
    with torch.device("meta"):
        network = build(new_config("fasterrcnn", tuple(f"class {i}" for i in range(20))))
    convolutions = 14_714_688  # VGG-16's
    first = 512 * 512 * 9 + 512 + (512 + 1) * 9 * 5
    connected = 25088 * 4096 + 4096 + 4096 * 4096 + 4096
    outputs = 4097 * 21 * 5
    cost = cost_of(network, (416, 256))
    assert cost.parameters == convolutions + first + connected + outputs
    assert cost.multiply_adds > 300 * connected  # the second stage looks at 300 regions


def test_each_class_has_a_box_of_its_own_which_other_classes_leave_alone():
    from dataclasses import replace

    from rtdet.training.start import with_classes

    torch.manual_seed(0)
    config = replace(new_config("fasterrcnn-n", NAMES), shared_boxes=False)
    network = build(config)
    tuned = with_classes(network, ("c", "d"))
    regions = torch.rand(3, 96 * 49)
    offsets, offsets_now = network.head.eval()(regions)[1], tuned.head.eval()(regions)[1]
    assert offsets.shape == (3, 4, 4)
    torch.testing.assert_close(offsets_now[:, :, [0, 1]], offsets[:, :, [0, 3]])
