"""YOLOv4's parts: CIoU and DropBlock by hand, every switch, the published size."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torchvision.ops import complete_box_iou_loss

from rtdet.detectors.family.counting import cost_of
from rtdet.detectors.family.registry import build, config_class, new_config
from rtdet.detectors.family.truth import Truth
from rtdet.detectors.yolov4.config import VARIANTS
from rtdet.detectors.yolov4.layers import DropBlock, conv
from rtdet.detectors.yolov4.loss import ciou
from rtdet.detectors.yolov4.neck import PyramidPooling
from rtdet.training.optimizer import warm_steps
from rtdet.types import Thresholds

SIZE = (96, 64)
SWITCHED_OFF = [
    {"mish": False}, {"drop_block": 0.0}, {"spp": False}, {"pan": False}, {"ciou": False}, {"label_smoothing": 0.0},
    {"min_overlap": 1.0}, {"stretch": [1.0, 1.0, 1.0]}, {"mosaic": False}, {"cosine": False}, {"diou_nms": False},
]  # fmt: skip


def made(**changes):
    torch.manual_seed(0)
    config = new_config("yolov4-n", ("a", "b"))
    return build(type(config).from_dict({**config.as_dict(), **changes}))


def test_ciou_by_hand():
    a, b = torch.tensor([[0.0, 0, 4, 4]]), torch.tensor([[2.0, 0, 6, 2]])
    iou = 4 / (16 + 8 - 4)
    distance = (2**2 + 1**2) / (6**2 + 4**2)
    v = 4 / math.pi**2 * (math.atan(1) - math.atan(2)) ** 2
    expected = iou - distance - v / (1 - iou + v) * v
    assert ciou(a, b).item() == pytest.approx(expected, abs=1e-5)
    assert ciou(a, a).item() == pytest.approx(1, abs=1e-6)


def test_ciou_and_its_gradient_are_those_of_torchvision():
    generator = torch.Generator().manual_seed(0)
    corner = torch.rand(2, 50, 2, generator=generator) * 20
    a, b = torch.cat([corner, corner + 1 + torch.rand(2, 50, 2, generator=generator) * 20], -1)
    ours, theirs = a.clone().requires_grad_(), a.clone().requires_grad_()
    loss = 1 - ciou(ours, b)
    expected = complete_box_iou_loss(theirs, b)
    torch.testing.assert_close(loss, expected, atol=1e-5, rtol=1e-4)
    loss.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-5, rtol=1e-3)


def test_boxes_that_do_not_touch_are_pulled_together():
    far = torch.tensor([[40.0, 40, 50, 50]], requires_grad=True)
    (1 - ciou(far, torch.tensor([[0.0, 0, 10, 10]]))).sum().backward()
    assert (far.grad[:, :2] + far.grad[:, 2:] > 0).all()  # moved towards it, the loss would be less


def test_drop_block_blots_out_squares_in_training_only():
    torch.manual_seed(0)
    drop = DropBlock(0.1, 3)
    x = torch.ones(8, 16, 24, 24)
    assert drop.eval()(x) is x
    dropped = drop.train()(x)
    blank = dropped == 0
    assert 0.07 < blank.float().mean() < 0.12
    assert dropped.mean().item() == pytest.approx(1, abs=1e-4)
    # Every blank cell lies in a blank square of three by three.
    squares = -torch.nn.functional.max_pool2d(-blank.float(), 3, 1)
    covered = torch.nn.functional.max_pool2d(torch.nn.functional.pad(squares, (2, 2, 2, 2)), 3, 1)
    assert torch.equal(covered.bool(), blank)


def test_pyramid_pooling_sees_as_far_as_its_windows():
    x = torch.zeros(1, 1, 15, 15)
    x[0, 0, 7, 7] = 1
    found = PyramidPooling()(x)
    assert [int(part.sum()) for part in found[0]] == [13**2, 9**2, 5**2, 1]


def test_mish_is_x_tanh_softplus_x():
    layer = conv(1, 1, 1, mish=True)[2]
    x = torch.tensor([-2.0, 0.5, 3.0])
    torch.testing.assert_close(layer(x.clone()), x * torch.tanh(torch.log(1 + x.exp())))


@pytest.mark.parametrize("changes", SWITCHED_OFF, ids=lambda changes: next(iter(changes)))
def test_each_part_is_a_switch_without_which_it_still_learns(changes):
    network = made(**changes).train()
    truth = Truth(torch.tensor([[8.0, 8, 40, 40], [50, 10, 60, 30]]), torch.tensor([1, 0]), torch.zeros(0, 4))
    images = torch.rand(2, 3, 64, 96) * 255
    losses = network.criterion(network(images), [truth, truth], SIZE)
    losses.total.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
    assert (network.config.suppression == "nms") == ("diou_nms" in changes)
    assert network.mosaic == ("mosaic" not in changes)
    assert network.cosine == ("cosine" not in changes)


def test_several_anchors_answer_for_an_object_unless_the_best_alone_shall():
    truth = Truth(torch.tensor([[20.0, 20, 60, 50]]), torch.tensor([0]), torch.zeros(0, 4))
    images = torch.rand(1, 3, 64, 96) * 255
    counts = [
        network.criterion(network(images), [truth], SIZE).positives
        for network in (made().eval(), made(min_overlap=1.0).eval())
    ]
    assert counts[0] > counts[1] == 1


def test_the_learning_rate_falls_in_two_steps_where_it_is_no_cosine():
    rates = [warm_steps(1.0, step, 100, 10) for step in (0, 4, 50, 79, 80, 90, 99)]
    assert rates == pytest.approx([0.1, 0.5, 1, 1, 0.1, 0.01, 0.01])


def test_diou_nms_keeps_two_objects_of_which_plain_nms_makes_one():
    from rtdet.detectors.family.postprocess import postprocess
    from rtdet.geometry.letterbox import Letterbox

    # They overlap by .52, but their centres are apart.
    boxes = np.array([[0, 0, 40, 20], [12.6, 0, 52.6, 20]], dtype=np.float32)
    scores, back = np.array([[0.9], [0.8]], dtype=np.float32), Letterbox((1, 1), (0, 0), (100, 100))
    kept = {
        kind: len(postprocess(boxes, scores, back, Thresholds(0.1, iou=0.5), ("a",), kind))
        for kind in ("nms", "diou", "none")
    }
    assert kept == {"nms": 1, "diou": 2, "none": 2}


def test_the_published_network_has_the_published_size():
    """64.4 M parameters; 60.1 and 128.5 billion operations at 416 and 608, as Darknet prints them."""
    with torch.device("meta"):
        network = build(new_config("yolov4", tuple(f"class {i}" for i in range(80))))
    assert cost_of(network, (416, 416)).parameters == 64_363_101
    assert cost_of(network, (416, 416)).flops == pytest.approx(60.1e9, rel=0.002)
    assert cost_of(network, (608, 608)).flops == pytest.approx(128.46e9, rel=0.002)
    assert set(VARIANTS) == {"yolov4-n", "yolov4"}
    assert config_class("yolov4").family == "yolov4"
