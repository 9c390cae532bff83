"""YOLOv1's grid and equation 3 against numbers worked out by hand."""

from __future__ import annotations

import pytest
import torch

from rtdet.detectors.family.counting import cost_of
from rtdet.detectors.family.registry import build, new_config
from rtdet.detectors.family.truth import Truth
from rtdet.detectors.yolov1.loss import answerable, responsible

NETWORK = build(new_config("yolov1-n", ("a", "b")))
SIZE = (352, 352)  # 11 by 11 cells of 32 pixels


def truth(*rows):
    boxes = torch.tensor([row[:4] for row in rows], dtype=torch.float32).view(-1, 4)
    return Truth(boxes, torch.tensor([row[4] for row in rows], dtype=torch.long), torch.zeros(0, 4))


def test_the_cell_of_the_centre_answers_and_of_two_objects_for_the_first():
    wanted = truth((0, 0, 100, 40, 0), (48, 10, 52, 30, 1), (340, 340, 352, 352, 0))
    assert answerable(wanted, (11, 11), SIZE) == {1: 0, 10 * 11 + 10: 2}


def test_the_box_that_overlaps_most_is_responsible_and_without_overlap_the_nearest():
    offered = torch.tensor([[[0.0, 0, 10, 10], [0, 0, 8, 10]], [[50.0, 50, 51, 51], [20, 20, 21, 21]]])
    best, overlap = responsible(offered, torch.tensor([[0.0, 0, 8, 8], [0, 0, 8, 8]]))
    assert best.tolist() == [1, 1]
    assert overlap.tolist() == pytest.approx([64 / 80, 0.0])


def test_equation_3_by_hand():
    output = torch.zeros(1, 11, 11, 12)
    # The object's centre (48, 176) is in the middle of cell (1, 5); it is a quarter of the input wide, a ninth high.
    wanted = truth((4, 176 - 352 / 18, 92, 176 + 352 / 18, 1))
    output[0, 5, 1, :5] = torch.tensor([0.5, 0.5, 0.5, 1 / 3, 0.6])  # the box is right, and sure by .6
    output[0, 5, 1, 5:10] = torch.tensor([0.5, 0.5, 0.1, 0.1, 0.2])  # the other is small, and sure by .2
    output[0, 5, 1, 10:] = torch.tensor([0.3, 0.9])
    output[0, 0, 0, 4] = 0.4  # sure of an object where there is none
    parts = NETWORK.criterion(output, [wanted], SIZE).parts
    assert parts["box"].item() == pytest.approx(0, abs=1e-6)
    assert parts["object"].item() == pytest.approx((0.6 - 1) ** 2, abs=1e-4)  # towards the IoU, which is 1
    assert parts["no_object"].item() == pytest.approx(0.5 * (0.2**2 + 0.4**2), abs=1e-6)
    assert parts["class"].item() == pytest.approx(0.3**2 + 0.1**2, abs=1e-6)
    output[0, 5, 1, 0] += 0.1
    output[0, 5, 1, 2] += 0.2
    assert NETWORK.criterion(output, [wanted], SIZE).parts["box"].item() == pytest.approx(
        5 * (0.01 + 0.04), abs=1e-5
    )


def test_what_decodes_to_the_object_costs_nothing_at_an_input_that_is_no_multiple_of_the_stride():
    network = build(new_config("yolov1-n", ("a", "b"), input_size=(80, 70)))  # 3 by 3 cells of 32 pixels
    output = torch.zeros(1, 3, 3, 12)
    output[0, 1, 2, :5] = torch.tensor([0.25, 0.5, 0.5, 0.6, 1.0])
    output[0, 1, 2, 11] = 1
    box = network.decode(output)[0][0, (3 + 2) * 2]
    parts = network.criterion(output, [truth((*box.tolist(), 1))], (80, 70)).parts
    assert {name: part.item() for name, part in parts.items()} == pytest.approx(
        dict.fromkeys(parts, 0), abs=1e-6
    )


def test_a_score_is_confidence_times_class_probability():
    output = torch.zeros(1, 11, 11, 12)
    output[0, 2, 3, :5] = torch.tensor([0.5, 0.25, 0.5, 1.0, 0.5])
    output[0, 2, 3, 10:] = torch.tensor([0.2, 1.4])
    boxes, scores = NETWORK.decode(output)
    row = (2 * 11 + 3) * 2
    torch.testing.assert_close(scores[0, row], torch.tensor([0.1, 0.7]))
    center, size = torch.tensor([3.5, 2.25]) * 32, torch.tensor([0.25, 1.0]) * 352
    torch.testing.assert_close(boxes[0, row], torch.cat([center - size / 2, center + size / 2]))
    assert scores.sum().item() == pytest.approx(0.8)


def test_the_published_network_has_the_published_size():
    """Figure 3: 24 convolutions and two connected layers; 40 billion operations, by Darknet's count."""
    with torch.device("meta"):
        network = build(new_config("yolov1", tuple(f"class {i}" for i in range(20))))
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(convolutions) == 24
    cost = cost_of(network, (448, 448))
    connected = 7 * 7 * 1024 * 4096 + 4096 + 4096 * 7 * 7 * 30 + 7 * 7 * 30
    assert cost.parameters - connected == sum(p.numel() for p in network.backbone.parameters())
    assert cost.flops == pytest.approx(40.6e9, rel=0.01)
