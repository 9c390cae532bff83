"""YOLOv3's anchors, assignment and losses against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from rtdet.detectors.family.counting import cost_of
from rtdet.detectors.family.registry import build, new_config
from rtdet.detectors.family.truth import Truth
from rtdet.detectors.yolov3.anchors import Assignment, assign, boxes_of, places_of, shape_overlap
from rtdet.detectors.yolov3.config import COCO_ANCHORS
from rtdet.detectors.yolov3.loss import box_loss, class_loss, object_loss

# An input of 96 by 64: 12x8, 6x4 and 3x2 cells.
MAPS = [torch.zeros(2, 1, 8, 12), torch.zeros(2, 1, 4, 6), torch.zeros(2, 1, 2, 3)]
FIRST = [0, 8 * 12 * 3, 8 * 12 * 3 + 4 * 6 * 3]
SIZE = (96, 64)


def truth(*rows):
    boxes = torch.tensor([row[:4] for row in rows], dtype=torch.float32).view(-1, 4)
    return Truth(boxes, torch.tensor([row[4] for row in rows], dtype=torch.long), torch.zeros(0, 4))


def centered(x, y, w, h, label=0):
    return (x - w / 2, y - h / 2, x + w / 2, y + h / 2, label)


def test_every_anchor_of_every_cell_has_its_place():
    places = places_of(MAPS, COCO_ANCHORS)
    assert len(places.shape) == 3 * (8 * 12 + 4 * 6 + 2 * 3)
    row = FIRST[1] + (2 * 6 + 5) * 3 + 1  # the second anchor of cell (5, 2) at stride 16
    assert places.shape[row].tolist() == [62, 45]
    assert places.corner[row].tolist() == [5, 2]
    assert places.center[row].tolist() == [5.5 * 16, 2.5 * 16]


def test_numbers_become_boxes_as_in_figure_2():
    places = places_of(MAPS, COCO_ANCHORS)
    raw = torch.zeros(1, len(places.shape), 4)
    row = FIRST[2] + (1 * 3 + 2) * 3
    raw[0, row] = torch.tensor([math.log(3), 0, math.log(2), math.log(0.5)])  # sigmoids .75 and .5
    box = boxes_of(raw, places)[0, row]
    x, y, w, h = 2.75 * 32, 1.5 * 32, 116 * 2, 90 / 2
    torch.testing.assert_close(box, torch.tensor([x - w / 2, y - h / 2, x + w / 2, y + h / 2]))
    stretched = boxes_of(raw, places, 1.2)[0, row]
    assert ((stretched[0] + stretched[2]) / 2 / 32).item() == pytest.approx(2 + 0.75 * 1.2 - 0.1)


def test_shapes_overlap_as_if_they_shared_a_corner():
    overlap = shape_overlap(torch.tensor([[10.0, 20.0]]), torch.tensor([[20.0, 10.0], [10.0, 20.0]]))
    assert overlap.tolist() == [[pytest.approx(100 / 300), 1.0]]


def test_an_object_goes_to_the_anchor_of_its_shape_in_the_cell_of_its_centre():
    found = assign(
        [truth(), truth(centered(40, 20, 33, 23, 4), centered(90, 60, 110, 100, 7))], MAPS, COCO_ANCHORS
    )
    assert found.picture.tolist() == [1, 1]
    assert found.row.tolist() == [FIRST[0] + (2 * 12 + 5) * 3 + 2, FIRST[2] + (1 * 3 + 2) * 3]
    assert found.labels.tolist() == [4, 7]


def test_where_two_objects_want_an_anchor_the_first_gets_it():
    found = assign([truth(centered(41, 21, 33, 23, 1), centered(42, 22, 32, 22, 2))], MAPS, COCO_ANCHORS)
    assert found.labels.tolist() == [1]


def test_with_a_least_overlap_all_anchors_of_a_like_shape_answer():
    wanted = centered(40, 20, 30, 30)
    overlaps = shape_overlap(torch.tensor([[30.0, 30.0]]), torch.tensor(COCO_ANCHORS))[0]
    found = assign([truth(wanted)], MAPS, COCO_ANCHORS, 0.4)
    assert len(found.row) == int((overlaps >= 0.4).sum()) > 1
    # None is as like as that: its best is taken all the same.
    assert len(assign([truth(wanted)], MAPS, COCO_ANCHORS, 0.99).row) == 1


def test_the_loss_of_a_box_by_hand():
    places = places_of(MAPS, COCO_ANCHORS)
    found = assign([truth(centered(42, 20, 33, 46))], MAPS, COCO_ANCHORS)
    shape = places.shape[found.row][0].tolist()
    raw = torch.zeros(1, 4)
    stride = places.stride[found.row][0].item()
    place = [(42 / stride) % 1, (20 / stride) % 1]
    # A sigmoid of .5 against any target costs log 2.
    where = 2 * math.log(2)
    size = (math.log(33 / shape[0]) ** 2 + math.log(46 / shape[1]) ** 2) / 2
    weight = 2 - 33 * 46 / (96 * 64)
    assert all(0 <= p < 1 for p in place)
    assert box_loss(raw, places, found, SIZE).item() == pytest.approx((where + size) * weight, rel=1e-5)


def test_anchors_near_an_object_are_not_punished_for_seeing_it():
    boxes = torch.tensor([[[0.0, 0, 10, 10], [0, 0, 10, 8], [50, 50, 60, 60], [30, 30, 40, 40]]])
    wanted = truth((0, 0, 10, 10, 0))
    one = torch.tensor([0])
    found = Assignment(one, one, wanted.boxes, wanted.labels, wanted.scores)
    spared = torch.tensor([[False, False, False, True]])
    # The first answers for the object, the second overlaps it by .8, the last lies in an ignored region.
    loss = object_loss(torch.zeros(1, 4), boxes, [wanted], found, spared, 0.5)
    assert loss.item() == pytest.approx(2 * math.log(2))


def test_each_class_is_a_question_of_its_own():
    one = torch.tensor([0])
    found = Assignment(one, one, torch.zeros(1, 4), torch.tensor([1]), torch.tensor([0.5]))
    logits = torch.tensor([[0.0, math.log(3), 0.0]])
    assert class_loss(logits, found).item() == pytest.approx((2 * math.log(2) - math.log(0.75)) / 2, rel=1e-5)
    smoothed = class_loss(logits, found, 0.1).item()
    expected = 2 * math.log(2) - 0.9 * math.log(0.75) - 0.1 * math.log(0.25)
    assert smoothed == pytest.approx(expected / 2, rel=1e-5)


def test_the_published_network_has_the_published_size():
    """61.95 M parameters; 65.86 and 140.69 billion operations at 416 and 608, as Darknet prints them."""
    with torch.device("meta"):
        network = build(new_config("yolov3", tuple(f"class {i}" for i in range(80))))
    assert cost_of(network, (416, 416)).parameters == 61_949_149
    assert cost_of(network, (416, 416)).flops == pytest.approx(65.86e9, rel=0.002)
    assert cost_of(network, (608, 608)).flops == pytest.approx(140.69e9, rel=0.002)
