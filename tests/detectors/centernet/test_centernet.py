"""CenterNet's targets and losses against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from rtdet.detectors.centernet.loss import distance_at, heat_loss
from rtdet.detectors.centernet.targets import heat_radius, paint
from rtdet.detectors.family.registry import build, new_config
from rtdet.detectors.family.truth import Truth
from rtdet.detectors.ssd.matcher import pairwise_iou


def truth(*rows):
    boxes = torch.tensor([row[:4] for row in rows], dtype=torch.float32).view(-1, 4)
    return Truth(boxes, torch.tensor([row[4] for row in rows], dtype=torch.long), torch.zeros(0, 4))


def test_a_centre_is_a_peak_of_one_in_its_cell_with_its_size_and_its_place_in_the_cell():
    found = paint(truth((10, 20, 50, 60, 1)), 2, (20, 16), 4, 0.7)
    # The centre (30, 40) is at (7.5, 10) in cells: cell (7, 10), with (.5, 0) left; the size is 10 by 10 cells.
    assert found.heat[1, 10, 7] == 1
    assert found.heat[1].max() == 1
    assert found.heat[0].max() == 0
    assert found.cells.tolist() == [10 * 16 + 7]
    assert found.offsets.tolist() == [[0.5, 0.0]]
    assert found.sizes.tolist() == [[10.0, 10.0]]


def test_heat_falls_as_a_gaussian_and_ends_at_the_radius():
    # Of a box of 10 by 10 cells: inside by r, (10 - 2r)^2 = 70, r = .82; outside, 100 = .7 (10 + 2r)^2, r = .976;
    # shifted, (10 - r)^2 = .7 / 1.7 * 2 * 100, r = .925. The smallest is .82, which is 0 cells: 40 by 40 is 3.
    assert heat_radius(torch.tensor([[10.0, 10.0]]), 0.7).item() == pytest.approx(
        (10 - math.sqrt(70)) / 2, abs=1e-4
    )
    found = paint(truth((0, 0, 160, 160, 0)), 1, (48, 48), 4, 0.7)
    deviation = (2 * 3 + 1) / 6
    assert found.heat[0, 20, 21].item() == pytest.approx(math.exp(-1 / (2 * deviation**2)), abs=1e-5)
    assert found.heat[0, 22, 23].item() == pytest.approx(math.exp(-(4 + 9) / (2 * deviation**2)), abs=1e-5)
    assert found.heat[0, 20, 24] == 0


@pytest.mark.parametrize("size", [(10.0, 10.0), (40.0, 8.0), (3.0, 90.0)])
def test_corners_moved_by_the_radius_leave_the_overlap_that_was_asked_for(size):
    w, h = size
    r = heat_radius(torch.tensor([size]), 0.7).item()
    box = torch.tensor([[0, 0, w, h]])
    moved = torch.tensor([[r, r, w + r, h + r], [r, r, w - r, h - r], [-r, -r, w + r, h + r]])
    overlaps = pairwise_iou(box, moved)[0]
    assert overlaps.min().item() == pytest.approx(0.7, abs=1e-4)


def test_of_two_objects_of_a_class_the_higher_heat_holds_and_other_classes_do_not_mix():
    near = paint(truth((0, 0, 160, 160, 0), (12, 0, 172, 160, 0), (0, 0, 160, 160, 1)), 2, (48, 48), 4, 0.7)
    alone = paint(truth((0, 0, 160, 160, 0)), 2, (48, 48), 4, 0.7)
    other = paint(truth((12, 0, 172, 160, 0)), 2, (48, 48), 4, 0.7)
    torch.testing.assert_close(near.heat[0], torch.maximum(alone.heat[0], other.heat[0]))
    torch.testing.assert_close(near.heat[1], alone.heat[0])


def test_the_focal_loss_of_a_heat_map_by_hand():
    # p = .5 everywhere. At the centre: (1 - .5)^2 log 2. Beside it, heat .5: (1 - .5)^4 .5^2 log 2. Far: .5^2 log 2.
    heat = torch.tensor([[[[1.0, 0.5, 0.0]]]])
    expected = math.log(2) * (0.25 + 0.0625 * 0.25 + 0.25)
    found = heat_loss(torch.zeros_like(heat), heat, torch.ones_like(heat), alpha=2, beta=4)
    assert found.item() == pytest.approx(expected, abs=1e-6)


def test_sizes_are_compared_at_the_centres_only():
    values = torch.zeros(2, 3, 4)
    values[:, 1, 2] = torch.tensor([5.0, 7.0])
    found = distance_at(values, torch.tensor([1 * 4 + 2]), torch.tensor([[4.0, 9.0]]), torch.tensor([0.5]))
    assert found.item() == pytest.approx((1 + 2) * 0.5)


def test_what_is_painted_is_what_is_decoded():
    network = build(new_config("centernet-n", ("a", "b")))
    wanted = truth((10, 20, 50, 60, 1), (70, 8, 90, 20, 0))
    target = paint(wanted, 2, (20, 24), 4, 0.7)
    sizes, offsets = torch.zeros(1, 2, 20 * 24), torch.zeros(1, 2, 20 * 24)
    sizes[0, :, target.cells], offsets[0, :, target.cells] = target.sizes.T, target.offsets.T
    logits = torch.logit(target.heat.clamp(1e-4, 1 - 1e-4))[None]
    boxes, scores = network.decode((logits, sizes.view(1, 2, 20, 24), offsets.view(1, 2, 20, 24)))
    sure = (scores[0] > 0.9).nonzero()
    assert sorted(label for _, label in sure.tolist()) == [0, 1]
    for row, label in sure.tolist():
        torch.testing.assert_close(boxes[0, row], wanted.boxes[wanted.labels == label][0])


def test_a_border_is_no_other_picture():
    found = paint(truth((60, 60, 68, 68, 0)), 1, (16, 16), 4, 0.7)  # its centre is the corner of the input
    assert found.cells.tolist() == [15 * 16 + 15]
