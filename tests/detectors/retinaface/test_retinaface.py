"""RetinaFace from state dicts: what they leave open is measured, and boxes are where faces are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from rtdet.detectors.registry import load_detector
from rtdet.detectors.retinaface.config import PUBLISHED_SIDES, SLOPES, SMALLER_SIDES, RetinaFaceConfig
from rtdet.detectors.retinaface.drawing import draw_face
from rtdet.detectors.retinaface.measure import find_sides, find_slope
from rtdet.detectors.retinaface.network import RetinaFace
from rtdet.detectors.retinaface.published import from_published, is_published
from rtdet.detectors.state_dicts import fill
from rtdet.detectors.torchvision_weights import read_state_dict
from rtdet.errors import ModelError
from rtdet.geometry.boxes import iou
from rtdet.types import Thresholds

State = dict[str, torch.Tensor]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def real(shared_data: Path) -> State:
    return read_state_dict(shared_data / "weights" / "retinaface_mobilenet0.25.pth")


@pytest.fixture(scope="module")
def fresh() -> State:
    torch.manual_seed(1)
    return RetinaFace(RetinaFaceConfig()).state_dict()


def for_other_anchors(state: State) -> State:
    """The state dict of a network that computes the same boxes from the published anchors."""
    made = dict(state)
    for level in range(3):
        weight, bias = (made[f"BboxHead.{level}.conv1x1.{part}"].clone() for part in ("weight", "bias"))
        for anchor in range(2):
            ratio = SMALLER_SIDES[2 * level + anchor] / PUBLISHED_SIDES[2 * level + anchor]
            weight[4 * anchor : 4 * anchor + 2] *= ratio
            bias[4 * anchor : 4 * anchor + 2] *= ratio
            bias[4 * anchor + 2 : 4 * anchor + 4] += math.log(ratio) / 0.2
        made[f"BboxHead.{level}.conv1x1.weight"], made[f"BboxHead.{level}.conv1x1.bias"] = weight, bias
    return made


def test_a_state_dict_of_any_number_of_gpus_is_one_of_retinaface(fresh: State) -> None:
    parallel = {f"module.{key}": value for key, value in fresh.items()}
    assert is_published(fresh)
    assert is_published(parallel)
    assert not is_published({"conv.weight": torch.zeros(1)})
    network = from_published(parallel)
    assert all(torch.equal(value, fresh[key]) for key, value in network.state_dict().items())


def test_one_that_does_not_fit_is_one_line(fresh: State, tmp_path: Path) -> None:
    cut = {key: value for key, value in fresh.items() if key != "fpn.merge1.0.weight"}
    torch.save(cut, tmp_path / "cut.pth")
    with pytest.raises(ModelError, match=r"cut\.pth.*fpn\.merge1\.0\.weight"):
        load_detector(tmp_path / "cut.pth")
    resnet = {key: value for key, value in fresh.items() if not key.startswith("body.stage")}
    with pytest.raises(ModelError, match="another trunk"):
        from_published(resnet)


def test_boxes_are_differences_from_squares_in_the_middle_of_each_cell() -> None:
    network = RetinaFace(RetinaFaceConfig()).eval()
    classes = [torch.zeros(1, 4, 12 // 2**i, 8 // 2**i) for i in range(3)]
    offsets = [torch.zeros(1, 8, *x.shape[2:]) for x in classes]
    classes[1][0, 3, 4, 2] = math.log(3)  # the larger of the two, in row 4 and column 2 of stride 16
    offsets[1][0, 4:, 4, 2] = torch.tensor([1.0, -1.0, math.log(2) / 0.2, 0.0])
    boxes, scores = network.decode((tuple(classes), tuple(offsets)))
    row = 12 * 8 * 2 + (4 * 4 + 2) * 2 + 1
    assert float(scores[0, row]) == pytest.approx(0.75)
    center = (2.5 * 16 + 12.8, 4.5 * 16 - 12.8)
    expected = [center[0] - 128, center[1] - 64, center[0] + 128, center[1] + 64]
    assert boxes[0, row].tolist() == pytest.approx(expected, abs=1e-3)


def test_the_anchors_and_the_bends_of_a_real_one_are_measured(real: State) -> None:
    config = from_published(real).config
    assert config.sides == SMALLER_SIDES
    assert config.slope == 0.0


def test_the_same_network_for_other_anchors_is_told_from_it(real: State) -> None:
    network = RetinaFace(RetinaFaceConfig(slope=0.0))
    fill(network, for_other_anchors(real))
    assert find_sides(network.eval()) == PUBLISHED_SIDES


def test_the_way_in_which_a_network_bends_is_told_by_its_batch_norms() -> None:
    """One that was trained with leaky ReLUs remembers what they let through."""
    torch.manual_seed(2)
    picture, _ = draw_face(60, 160)
    for slope in SLOPES:
        network = RetinaFace(RetinaFaceConfig(slope=slope)).train()
        for layer in network.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.momentum = 1.0
        with torch.no_grad():
            network(torch.from_numpy(picture.transpose(2, 0, 1)[None].copy()).float())
        assert find_slope(network.eval(), [picture]) == slope


def test_it_finds_faces_where_another_detector_does(shared_data: Path) -> None:
    detector = load_detector(
        shared_data / "weights" / "retinaface_mobilenet0.25.pth", thresholds=Thresholds(0.5), device="cpu",
        backend="torch",
    )  # fmt: skip
    assert tuple(detector.class_names) == ("face",)
    for height in (40, 100, 220):
        picture, face = draw_face(height)
        (found,) = detector.detect([picture])
        assert iou(found.boxes[:1], face[None])[0, 0] > 0.5
    (nothing,) = detector.detect([np.full((480, 640, 3), 128, dtype=np.uint8)])
    assert nothing.boxes.shape == (0, 4)
    detector.close()
