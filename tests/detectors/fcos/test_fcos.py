"""FCOS's targets and losses: by hand, and against torchvision on the same inputs."""

from __future__ import annotations

import math

import pytest
import torch
from torchvision.models.detection.fcos import FCOS as TheirFCOS

from rtdet.detectors.family.counting import cost_of
from rtdet.detectors.family.grids import from_center
from rtdet.detectors.family.registry import build, new_config
from rtdet.detectors.family.truth import Truth
from rtdet.detectors.fcos.config import STRIDES
from rtdet.detectors.fcos.loss import side_loss
from rtdet.detectors.fcos.targets import assign, cells_of, centerness, distances

NAMES = ("a", "b", "c")
BOUNDS = (64.0, 128.0, 256.0, 512.0)
MAPS = [torch.zeros(1, 1, -(-256 // stride), -(-384 // stride)) for stride in STRIDES]


def test_a_cell_in_two_objects_answers_for_the_smaller():
    cells = cells_of(MAPS, STRIDES, BOUNDS)
    boxes = torch.tensor([[80.0, 80, 120, 120], [90, 90, 110, 110]])
    found = assign(cells, boxes, 0)
    inside = ((cells.point > 90) & (cells.point < 110)).all(1) & (cells.stride == 8)
    assert inside.any()
    assert (found.matched[inside] == 1).all()
    around = ((cells.point > 80) & (cells.point < 120)).all(1) & (cells.stride == 8) & ~inside
    assert (found.matched[around] == 0).all()
    assert torch.equal(found.positive, inside | around)


def test_large_objects_are_for_coarse_levels():
    cells = cells_of(MAPS, STRIDES, BOUNDS)
    for half, stride in ((20, 8), (80, 16), (180, 32)):
        box = torch.tensor([[192.0 - half, 128 - half, 192 + half, 128 + half]])
        found = assign(cells, box, 1.5)
        assert set(cells.stride[found.positive].tolist()) >= {float(stride)}
        assert (distances(cells.point[found.positive], box).amax(1) <= cells.high[found.positive]).all()


def test_only_cells_near_the_middle_answer():
    cells = cells_of(MAPS, STRIDES, BOUNDS)
    found = assign(cells, torch.tensor([[100.0, 100, 148, 148]]), 1.5)
    # The middle is (124, 124), itself the centre of a cell: 3 by 3 cells of stride 8 are less than 12 pixels away.
    assert int(found.positive.sum()) == 9


def test_centerness_is_one_in_the_middle_and_falls_to_the_border():
    found = centerness(torch.tensor([[5.0, 5, 5, 5], [2, 4, 8, 4], [0, 4, 8, 4]]))
    assert found.tolist() == pytest.approx([1.0, math.sqrt(0.25), 0.0])


def torchvision_losses(boxes, labels, logits, sides, centers):
    """Those of torchvision's FCOS on the same numbers; a head of it has no weights in its losses."""
    from torchvision.models.detection.fcos import FCOSHead

    model = TheirFCOS.__new__(TheirFCOS)
    torch.nn.Module.__init__(model)
    model.center_sampling_radius = 1.5
    model.head = FCOSHead(32, 1, 3, num_convs=1)
    model.box_coder = model.head.box_coder
    counts = [x.shape[2] * x.shape[3] for x in MAPS]
    cells = cells_of(MAPS, STRIDES, BOUNDS)
    anchors = from_center(cells.point, cells.stride[:, None].expand(-1, 2))
    outputs = {"cls_logits": logits, "bbox_regression": sides, "bbox_ctrness": centers[..., None]}
    return model.compute_loss([{"boxes": boxes, "labels": labels}], outputs, [anchors], counts)


@pytest.mark.parametrize("seed", range(3))
def test_the_losses_are_those_of_torchvision(seed):
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(8, 2, generator=generator) * torch.tensor([250.0, 150.0])
    boxes = torch.cat([corner, corner + 10 + torch.rand(8, 2, generator=generator) * 120], 1)
    labels = torch.randint(3, (8,), generator=generator)
    outputs = tuple(
        tuple(torch.randn(1, channels, *x.shape[2:], generator=generator) for x in MAPS)
        for channels in (3, 4, 1)
    )
    network = build(new_config("fcos-n", NAMES))
    losses = network.criterion(outputs, [Truth(boxes, labels, torch.zeros(0, 4))], (384, 256))
    logits, sides, centers = network._rows(outputs)
    expected = torchvision_losses(boxes, labels, logits, sides, centers)
    torch.testing.assert_close(losses.parts["score"], expected["classification"])
    torch.testing.assert_close(losses.parts["center"], expected["bbox_ctrness"])
    cells = cells_of(outputs[0], STRIDES, BOUNDS)
    found = assign(cells, boxes, 1.5)
    rows = found.positive.nonzero()[:, 0]
    assert losses.positives == len(rows)
    # Torchvision does not weigh the boxes by their centerness, as the paper does.
    wanted = distances(cells.point[rows], boxes[found.matched[rows]]) / cells.stride[rows, None]
    unweighted = side_loss(sides[0, rows], wanted, torch.ones(len(rows))) / len(rows)
    torch.testing.assert_close(unweighted, expected["bbox_regression"])
    weighted = side_loss(sides[0, rows], wanted, centerness(wanted)) / centerness(wanted).sum().clamp(min=1)
    torch.testing.assert_close(losses.parts["box"], weighted)


def test_a_box_is_as_far_as_its_sides_say():
    network = build(new_config("fcos-n", NAMES))
    outputs = tuple(tuple(torch.zeros(1, channels, *x.shape[2:]) for x in MAPS) for channels in (3, 4, 1))
    outputs[1][1][0, :, 3, 5] = torch.tensor([1.0, 2.0, 3.0, 4.0]).log()
    boxes, scores = network.decode(outputs)
    row = 48 * 32 + 3 * 24 + 5
    x, y = 5.5 * 16, 3.5 * 16
    torch.testing.assert_close(boxes[0, row], torch.tensor([x - 16, y - 32, x + 48, y + 64]))
    assert scores[0, row].tolist() == pytest.approx([0.5] * 3)


def test_the_published_network_has_the_size_that_its_layers_add_up_to():
    with torch.device("meta"):
        network = build(new_config("fcos", tuple(f"class {i}" for i in range(80))))
    trunk, square = 23_508_032, 256 * 256 * 9 + 256
    pyramid = (512 + 1024 + 2048) * 256 + 3 * 256 + 5 * square
    heads = 8 * (square + 512) + 256 * 9 * 85 + 85 + 5
    assert cost_of(network, (800, 800)).parameters == trunk + pyramid + heads
