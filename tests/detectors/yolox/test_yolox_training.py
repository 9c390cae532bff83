"""YOLOX's assignment and losses against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from rtdet.detectors.family.counting import cost_of
from rtdet.detectors.family.registry import build, new_config
from rtdet.detectors.family.truth import Truth
from rtdet.detectors.yolox.loss import box_loss
from rtdet.detectors.yolox.simota import Cells, _class_cost, _how_many, assign

# One row of eight cells of 8 pixels.
CELLS = Cells(torch.stack([torch.arange(8.0), torch.zeros(8)], 1), torch.full((8, 1), 8.0))
OBJECT = torch.tensor([[16.0, 0, 40, 8]])  # over cells 2, 3 and 4; its middle is that of cell 3


def boxes_with_overlaps(*overlaps):
    """Boxes within OBJECT, of its height, that overlap it by so much; 0: far away."""
    return torch.tensor(
        [[16, 0, 16 + 24 * x, 8] if x else [90, 90, 91, 91] for x in overlaps], dtype=torch.float32
    )


def test_as_many_cells_answer_as_the_overlaps_add_up_to():
    overlap = torch.tensor([[0.9, 0.8, 0.7, 0.0], [0.2, 0.1, 0.0, 0.0]])
    assert _how_many(overlap, 10).tolist() == [2, 1]
    assert _how_many(overlap, 1).tolist() == [1, 1]


def test_the_cheapest_cells_answer():
    boxes = boxes_with_overlaps(0, 0.3, 0.6, 0.9, 0.8, 0.1, 0, 0)
    scores = torch.full((8, 2), 0.25)
    found = assign(CELLS, boxes, scores, OBJECT, torch.tensor([1]), radius=2.5)
    # Overlaps add up to 2.7: two cells, of those inside the ones of .9 and .8.
    assert found.row.tolist() == [3, 4]
    assert found.object.tolist() == [0, 0]
    torch.testing.assert_close(found.overlap, torch.tensor([0.9, 0.8]))


def test_a_better_class_can_be_worth_more_than_a_better_overlap():
    boxes = boxes_with_overlaps(0, 0, 0.5, 0.45, 0, 0, 0, 0)
    scores = torch.full((8, 2), 0.01)
    assert assign(CELLS, boxes, scores, OBJECT, torch.tensor([1])).row.tolist() == [2]
    scores[3, 1] = 0.81
    assert assign(CELLS, boxes, scores, OBJECT, torch.tensor([1])).row.tolist() == [3]


def test_a_cell_outside_answers_only_where_no_other_can():
    boxes = boxes_with_overlaps(0, 1.0, 0.1, 0.1, 0.1, 0, 0, 0)
    scores = torch.full((8, 1), 0.5)
    found = assign(CELLS, boxes, scores, OBJECT, torch.tensor([0]))
    assert found.row.tolist() == [2]  # not cell 1, whose box is right
    tiny = torch.tensor([[25.0, 0, 27, 2]])  # no cell's centre lies in it
    assert len(assign(CELLS, boxes, scores, tiny, torch.tensor([0])).row) == 1


def test_a_cell_that_two_objects_want_goes_to_the_one_for_which_it_costs_less():
    wanted = torch.tensor([[16.0, 0, 40, 8], [16, 0, 34, 8]])
    boxes = boxes_with_overlaps(0, 0, 0, 0.75, 0, 0, 0, 0)  # exactly the second object
    scores = torch.full((8, 1), 0.5)
    found = assign(CELLS, boxes, scores, wanted, torch.tensor([0, 0]))
    assert dict(zip(found.row.tolist(), found.object.tolist(), strict=True))[3] == 1


def test_the_cost_of_a_class_is_the_cross_entropy_of_the_roots_of_the_scores():
    cost = _class_cost(torch.tensor([[0.25, 0.64]]), torch.tensor([0, 1]))
    first, second = 0.5, 0.8
    assert cost[0, 0].item() == pytest.approx(-math.log(first) - math.log(1 - second), rel=1e-5)
    assert cost[1, 0].item() == pytest.approx(-math.log(second) - math.log(1 - first), rel=1e-5)


def test_the_loss_of_a_box_is_one_less_the_square_of_its_overlap():
    loss = box_loss(boxes_with_overlaps(0.5, 1.0), OBJECT.repeat(2, 1))
    assert loss.tolist() == pytest.approx([0.75, 0.0])


def test_the_losses_of_a_picture_by_hand():
    network = build(new_config("yolox-n", ("a", "b")))
    raw = [torch.zeros(1, 7, 4, 4), torch.zeros(1, 7, 2, 2), torch.zeros(1, 7, 1, 1)]
    # Cell (1, 1) at stride 8: a box of 16 by 16 about its own middle, which is the object's.
    raw[0][0, :, 1, 1] = torch.tensor([0.5, 0.5, math.log(2), math.log(2), 0, 0, 0])
    truth = Truth(torch.tensor([[4.0, 4, 20, 20]]), torch.tensor([1]), torch.zeros(0, 4))
    losses = network.criterion(tuple(raw), [truth], (32, 32))
    # Boxes of 8 by 8 from cells around overlap it by up to .25: with 1 they add up to some, all within the radius.
    count = losses.positives
    assert losses.parts["object"].item() == pytest.approx(21 * math.log(2) / count, rel=1e-5)
    assert losses.parts["class"].item() == pytest.approx(2 * math.log(2), rel=1e-5)
    assert 1 <= count <= 4


def test_yolox_nano_has_the_published_size():
    """Table 5: 0.91 M parameters, 1.08 G operations at 416."""
    with torch.device("meta"):
        network = build(new_config("yolox-nano", tuple(f"class {i}" for i in range(80))))
    cost = cost_of(network, (416, 416))
    assert cost.parameters == pytest.approx(0.91e6, rel=0.005)
    assert cost.flops == pytest.approx(1.08e9, rel=0.05)
