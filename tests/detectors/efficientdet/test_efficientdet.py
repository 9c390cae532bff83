"""EfficientDet: the published sizes, BiFPN by hand, and the authors' weights as PyTorch has them."""

from __future__ import annotations

import pytest
import torch

from rtdet.detectors.cards import model_card
from rtdet.detectors.coco import COCO_CLASSES
from rtdet.detectors.efficientdet.bifpn import BiFpnLayer, Node, halved
from rtdet.detectors.efficientdet.config import compound, input_of
from rtdet.detectors.efficientdet.network import EfficientDet, anchors_of
from rtdet.detectors.efficientdet.published import from_published, is_published
from rtdet.detectors.family.counting import cost_of
from rtdet.detectors.family.registry import build, new_config
from rtdet.detectors.registry import DETECTORS, Options, load_detector
from rtdet.errors import ModelError, UsageError
from rtdet.types import Thresholds

NUMBERED = tuple(f"class {i}" for i in range(90))  # as the authors' networks: COCO's numbers up to 90


@pytest.mark.parametrize(
    ("phi", "parameters", "multiply_adds"),
    [(0, 3_880_067, 2.5e9), (1, 6_625_898, 6.1e9), (2, 8_097_039, 11e9)],
)
def test_one_number_gives_the_published_sizes(phi, parameters, multiply_adds):
    """Table 2: 3.9, 6.6 and 8.1 M parameters; 2.5, 6.1 and 11 B multiply-adds."""
    with torch.device("meta"):
        network = build(new_config(f"efficientdet-d{phi}", NUMBERED))
    cost = cost_of(network, (input_of(phi),) * 2)
    assert cost.parameters == parameters
    assert cost.multiply_adds == pytest.approx(multiply_adds, rel=0.05)


def test_another_number_is_no_efficientdet_of_ours():
    with pytest.raises(ValueError, match="D9"):
        compound(9, class_names=("a",))


def test_a_node_joins_maps_by_their_shares():
    node = Node(2, 4).eval()
    node.look = node.norm = torch.nn.Identity()
    with torch.no_grad():
        node.weights.copy_(torch.tensor([3.0, 1.0]))
        joined = node(torch.full((1, 4, 2, 2), 2.0), torch.full((1, 4, 2, 2), 6.0))
        expected = torch.tensor(3 / 4 * 2 + 1 / 4 * 6)
        torch.testing.assert_close(
            joined[0, 0, 0, 0], torch.nn.functional.silu(expected), atol=1e-3, rtol=1e-3
        )
        node.weights.copy_(torch.tensor([-1.0, 1.0]))  # a weight below 0 counts as 0
        joined = node(torch.full((1, 4, 2, 2), 2.0), torch.full((1, 4, 2, 2), 6.0))
        torch.testing.assert_close(
            joined[0, 0, 0, 0], torch.nn.functional.silu(torch.tensor(6.0)), atol=1e-2, rtol=1e-2
        )


def test_halving_takes_windows_that_begin_at_every_other_cell():
    x = torch.arange(16.0).view(1, 1, 4, 4)
    assert halved(x)[0, 0].tolist() == [[10, 11], [14, 15]]


def test_every_level_hears_of_every_other_in_one_layer():
    torch.manual_seed(0)
    layer = BiFpnLayer(8).eval()
    maps = [torch.randn(1, 8, 2 ** (5 - i), 2 ** (5 - i), requires_grad=True) for i in range(5)]
    for level, x in enumerate(layer(maps)):
        assert x.shape == maps[level].shape
        grads = torch.autograd.grad(x.square().sum(), maps, retain_graph=True)
        assert all(grad.abs().sum() > 0 for grad in grads)


def test_anchors_are_as_in_the_paper():
    config = compound(0, class_names=("a",))
    maps = [torch.zeros(1, 1, 128 // stride, 128 // stride) for stride in (8, 16, 32, 64, 128)]
    anchors = anchors_of(maps, config)
    assert len(anchors) == 9 * (16**2 + 8**2 + 4**2 + 2**2 + 1)
    assert anchors[1].tolist() == pytest.approx([4, 4, 1.4 * 32, 0.7 * 32])
    assert anchors[3].tolist() == pytest.approx([4, 4, 32 * 2 ** (1 / 3), 32 * 2 ** (1 / 3)])


def as_published(network, classes=90):
    """The network's weights under effdet's names, with COCO's 90 numbers and y in front of x."""
    numbers = [i for i in range(90) if i + 1 not in (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)]
    laterals = {
        "down_laterals.2": (1, 2), "down_laterals.1": (2, 1), "down_laterals.0": (3, 0),
        "up_laterals.0": (4, 1), "up_laterals.1": (5, 2),
    }  # fmt: skip
    nodes = {f"{way}.{i}": n for n, (way, i) in enumerate((w, i) for w in ("down", "up") for i in range(4))}
    parts = {"0": "conv", "1": "bn"}
    state = {}
    for key, value in network.state_dict().items():
        words = key.split(".")
        if words[0] == "backbone":
            name = key.replace("backbone.body.body.", "backbone.")
        elif key.startswith("pyramid.sixth"):
            name = f"fpn.resample.3.conv.{parts[words[2]]}.{words[3]}"
        elif "laterals" in key:
            node, offset = laterals[f"{words[3]}.{words[4]}"]
            name = f"fpn.cell.{words[2]}.fnode.{node}.combine.resample.{offset}.conv.{parts[words[5]]}.{words[6]}"
        elif words[0] == "pyramid":
            rest = ".".join(words[5:])
            rest = rest.replace("look.each", "conv.conv_dw").replace("look.across", "conv.conv_pw")
            rest = rest.replace("norm.", "conv.bn.")
            prefix = f"fpn.cell.{words[2]}.fnode.{nodes[f'{words[3]}.{words[4]}']}."
            name = prefix + ("combine.edge_weights" if rest == "weights" else f"after_combine.{rest}")
        else:
            net = {"classes": "class_net", "boxes": "box_net"}[words[0]]
            rest = ".".join(words[1:]).replace("each", "conv_dw").replace("across", "conv_pw")
            rest = rest.replace("looks.", "conv_rep.")
            if rest.startswith("norms."):
                _, i, level, what = rest.split(".")
                rest = f"bn_rep.{i}.{level}.bn.{what}"
            name = f"{net}.{rest}"
            if rest.startswith("predict.conv_pw"):
                grouped = value.view(9, -1, *value.shape[1:])
                if net == "class_net":
                    filled = value.new_zeros(9, classes, *value.shape[1:])
                    filled[:, numbers] = grouped
                    value = filled.flatten(0, 1)
                else:
                    value = grouped[:, [1, 0, 3, 2]].flatten(0, 1)
        state[name] = value.clone()
    return state


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = EfficientDet(compound(0, class_names=COCO_CLASSES)).eval()
    torch.nn.init.normal_(made.classes.predict.across.weight, std=0.1)
    return made


def test_published_weights_give_the_network_that_they_are_of(network):
    state = as_published(network)
    assert is_published(state)
    assert state["fpn.cell.0.fnode.5.combine.resample.2.conv.conv.weight"].shape == (64, 320, 1, 1)
    assert state["class_net.predict.conv_pw.weight"].shape == (810, 64, 1, 1)
    again = from_published(state)
    for key, value in network.state_dict().items():
        assert torch.equal(again.state_dict()[key], value), key


def test_published_weights_open_as_a_detector_of_coco(network, tmp_path):
    torch.save(as_published(network), tmp_path / "d0.pth")
    detector = load_detector(
        tmp_path / "d0.pth", thresholds=Thresholds(0.0), device="cpu", backend="torch", imgsz=128
    )
    (found,) = detector.detect([torch.zeros(40, 60, 3, dtype=torch.uint8).numpy()])
    detector.close()
    assert tuple(detector.class_names) == COCO_CLASSES
    assert len(found)


def test_published_weights_open_by_their_card_at_the_published_size(network, tmp_path):
    torch.save(as_published(network), tmp_path / "fetched.pth")
    options = Options(Thresholds(0.5), device="cpu", backend="torch")
    detector = DETECTORS["torchvision"](tmp_path / "fetched.pth", options, model_card("efficientdet-d0"))
    detector.close()
    assert tuple(detector.class_names) == model_card("efficientdet-d0").classes
    assert detector.input_size.usual == 512


def test_published_weights_that_do_not_fit_are_one_line(network, tmp_path):
    state = as_published(network)
    del state["box_net.predict.conv_dw.weight"]
    torch.save(state, tmp_path / "cut.pth")
    with pytest.raises(ModelError, match=r"cut\.pth.*boxes\.predict\.each\.weight"):
        load_detector(tmp_path / "cut.pth")
    wide = as_published(network)
    wide["fpn.resample.3.conv.conv.weight"] = torch.zeros(160, 320, 1, 1)
    with pytest.raises(ModelError, match="160 channels"):
        from_published(wide)


def test_a_size_that_is_no_multiple_of_its_coarsest_stride_is_said(squares, tmp_path):
    from rtdet.training import TrainingSettings, train

    settings = TrainingSettings(squares, model="efficientdet-n", size=96, batch=2, steps=1)
    with pytest.raises(UsageError, match="multiples of 128, as 128"):
        train(settings, tmp_path / "run")
