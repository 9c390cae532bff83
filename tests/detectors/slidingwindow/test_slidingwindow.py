"""A sliding window: its pyramid, what it learns from, and that a picture at once is window by window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from rtdet.detectors.family.registry import build, new_config
from rtdet.detectors.family.truth import Truth
from rtdet.detectors.slidingwindow.classifier import Classifier
from rtdet.detectors.slidingwindow.config import SIDE, grid_of
from rtdet.detectors.slidingwindow.mining import choose
from rtdet.detectors.slidingwindow.pyramid import cut_out, pyramid, windows_of
from rtdet.geometry.boxes import iou
from rtdet.geometry.letterbox import Letterbox
from rtdet.types import Thresholds

NAMES = ("blue", "red")
NOTHING = torch.zeros(0, 4)


def small(**changes):
    torch.manual_seed(0)
    return build(replace(new_config("slidingwindow-n", NAMES), **changes))


def test_a_picture_at_once_gives_what_its_windows_give_one_by_one():
    torch.manual_seed(0)
    classifier = Classifier((4, 6, 8, 10), 2, refine=True).eval()
    picture = torch.randn(1, 3, 50, 63)
    with torch.no_grad():
        at_once = classifier(picture)
        rows, columns = at_once.shape[2:]
        cut = cut_out(picture[0], torch.arange(rows * columns), columns)
        one_by_one = classifier(cut).flatten(1)
    assert (rows, columns) == (9, 12)
    torch.testing.assert_close(at_once[0].flatten(1).T, one_by_one, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("size", [(96, 64), (416, 256), (320, 320), (64, 608)])
def test_the_configuration_knows_how_many_windows_the_network_has(size):
    network = small()
    with torch.device("meta"):
        ghost = build(network.config)
    levels = ghost(torch.zeros(1, 3, size[1], size[0], device="meta"))[:-1]
    grids = ghost.eval().scan(levels)[2]
    assert grids == [grid_of(size, shape) for shape in network.config.shapes]


def test_a_window_shows_the_part_of_the_picture_that_it_says():
    image = torch.zeros(1, 3, 96, 128)
    shape = (32.0, 16.0)
    (level,) = pyramid(image, [shape])
    windows = windows_of(torch.zeros(1, 1, 25, 17), shape)
    assert level.shape[2:] == (96 + SIDE, 64 + SIDE)
    row = int((windows == torch.tensor([48.0, 40, 80, 56])).all(1).nonzero()[0, 0])
    x1, y1, x2, y2 = windows[row].int().tolist()
    image[..., y1:y2, x1:x2] = 1
    (level,) = pyramid(image, [shape])
    assert (cut_out(level[0], torch.tensor([row]), 17) == 1).all()
    beside = cut_out(level[0], torch.tensor([row + 1]), 17)[0, 0, 0]
    assert beside.tolist() == [1] * 12 + [0] * 4


def test_a_window_that_leaves_the_picture_sees_nothing_there():
    (level,) = pyramid(torch.ones(1, 3, 64, 64), [(16.0, 16.0)])
    corner = cut_out(level[0], torch.tensor([0]), 17)[0, 0]
    assert corner.sum() == (SIDE // 2) ** 2


def settings(**changes):
    return {"count": 8, "foreground": 0.25, "mined": 0.5, "overlap": 0.5, "background": 0.4} | changes


def test_hard_negatives_are_windows_without_an_object_that_alarm():
    torch.manual_seed(0)
    windows = torch.tensor([[10.0 * i, 0, 10 * i + 10, 10] for i in range(100)])
    alarm = torch.zeros(100)
    alarm[40:56] = 0.9
    alarm[0] = 1.0  # the object itself
    truth = Truth(windows[:1], torch.tensor([1]), NOTHING)
    found = choose(windows, alarm, truth, **settings())
    assert found.labels.tolist() == [2] + [0] * 7
    assert found.rows[0] == 0
    assert len(set(found.rows.tolist())) == 8
    # Half of seven, rounded.
    assert int(((found.rows >= 40) & (found.rows < 56)).sum()) >= 4
    assert (found.weight == 1).all()
    at_random = choose(windows, alarm, truth, **settings(mined=0.0))
    assert len(at_random.rows) == 8


def test_windows_that_half_show_an_object_are_not_learnt_from():
    windows = torch.tensor([[0.0, 0, 10, 10], [0, 4, 10, 14], [50, 50, 60, 60]])  # the second: IoU .43
    truth = Truth(windows[:1], torch.tensor([0]), NOTHING)
    found = choose(windows, torch.tensor([0.1, 0.9, 0.1]), truth, **settings())
    assert found.rows[found.weight > 0].tolist() == [0, 2]
    assert found.weight.sum() == 2


def test_an_object_that_no_window_fits_is_shown_by_the_one_that_fits_best():
    windows = torch.tensor([[0.0, 0, 10, 10], [0, 0, 30, 30], [50, 50, 60, 60]])
    truth = Truth(torch.tensor([[0.0, 0, 17, 8]]), torch.tensor([0]), NOTHING)
    found = choose(windows, torch.zeros(3), truth, **settings())
    assert found.rows[found.labels == 1].tolist() == [0]
    torch.testing.assert_close(found.wanted[0], truth.boxes[0])


def test_refined_boxes_differ_from_the_windows_and_learn_where_they_are_near():
    network = small(refine=True).train()
    image = torch.rand(1, 3, 64, 96) * 255
    truth = Truth(torch.tensor([[20.0, 10, 50, 44]]), torch.tensor([0]), NOTHING)
    losses = network.criterion(network(image), [truth], (96, 64))
    assert tuple(losses.parts) == network.loss_names == ("score", "box")
    assert float(losses.parts["box"].detach()) > 0
    with torch.no_grad():
        network.classifier.box.bias.copy_(torch.tensor([0.0, 0, 1, 1]))
        network.classifier.box.weight.zero_()
        boxes = network.eval().decode(network(image))[0]
        network.config = replace(network.config, refine=False)
        plain = network.decode(network(image))[0]
    inside = (plain[0] > 20).all(1) & (plain[0, :, 2] < 76) & (plain[0, :, 3] < 44)
    grown = (boxes - plain)[0, inside]
    assert (grown[:, 2:] > 0).all()
    assert (grown[:, :2] < 0).all()


def test_a_picture_is_learnt_by_heart():
    made = np.random.default_rng(0).normal(120, 6, (64, 96, 3))
    made[10:46, 12:30] = (230, 40, 20)
    made[20:44, 50:74] = (20, 20, 230)
    image = torch.from_numpy(made.clip(0, 255)).permute(2, 0, 1)[None].float()
    boxes = torch.tensor([[12.0, 10, 30, 46], [50, 20, 74, 44]])
    network = small(sizes=(17.0, 24.0, 34.0), samples=64).train()
    truth = Truth(boxes, torch.tensor([0, 1]), NOTHING)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    for _ in range(90):
        losses = network.criterion(network(image.repeat(2, 1, 1, 1)), [truth, truth], (96, 64))
        optimizer.zero_grad()
        losses.total.backward()
        optimizer.step()
    back = Letterbox((1, 1), (0, 0), (96, 64))
    with torch.no_grad():
        found = network.eval().detections(network(image), (96, 64), [back], Thresholds(0.3))[0]
    for box, label in zip(boxes.numpy(), (0, 1), strict=True):
        best = found.boxes[found.labels == label][0]
        assert iou(best[None], box[None])[0, 0] > 0.5
