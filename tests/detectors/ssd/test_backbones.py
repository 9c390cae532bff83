"""Every backbone by name: built, run, and overfitted on eight tiny pictures, with SSD's own loss and priors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from rtdet.detectors.ssd.architectures import build_network
from rtdet.detectors.ssd.backbones import BACKBONES, backbone, map_channels
from rtdet.detectors.ssd.catalogue import new_config, objective_for
from rtdet.detectors.ssd.loss import Truth
from rtdet.detectors.ssd.postprocess import postprocess
from rtdet.detectors.ssd.priors import make_priors
from rtdet.errors import UnknownNameError, UsageError
from rtdet.geometry.boxes import iou
from rtdet.geometry.letterbox import Letterbox
from rtdet.types import Thresholds

SIDE = 64
NAMES = ("blue", "red")
EVERY_DAY = ("resnet18", "alexnet", "mobilenet_v3_large")  # all of them take minutes
# Small networks with a norm behind every convolution learn quickest at this rate; VGG has no norms at all.
LIGHT = ("mnasnet", "efficientnet", "ghostnet", "mobilenet")


def _pictures(count: int) -> tuple[torch.Tensor, list[Truth]]:
    """(count, 3, 64, 64) noise with a blue or a red rectangle in each, and where it is."""
    rng = np.random.default_rng(0)
    images, truths = [], []
    for i in range(count):
        image = 110 + rng.normal(0, 8, (SIDE, SIDE, 3))
        width, height = rng.integers(SIDE // 4, SIDE // 2, 2)
        x, y = rng.integers(0, SIDE - width), rng.integers(0, SIDE - height)
        image[y : y + height, x : x + width] = [(230, 80, 20), (30, 60, 230)][i % 2]
        images.append(torch.from_numpy(image.clip(0, 255)).permute(2, 0, 1).float())
        box = torch.tensor([[x, y, x + width, y + height]]).float()
        truths.append(Truth(box, torch.tensor([i % 2]), torch.zeros(0, 4)))
    return torch.stack(images), truths


def _overfit(model, priors: torch.Tensor, rate: float, count: int) -> tuple[float, float]:
    """The first loss and the last: a thirty-third of it, or that of step 80."""
    images, truths = _pictures(count)
    learning = [parameter for parameter in model.train().parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(learning, lr=rate, fused=True)
    objective, first = objective_for(model.config), None
    for _ in range(80):
        parts = objective(*model(images), priors, truths)
        optimizer.zero_grad()
        parts.total.backward()
        optimizer.step()
        last = float(parts.total.detach())
        first = first or last
        if last < 0.03 * first:
            break
    _settle_norms(model, images)
    return first, last


def _settle_norms(model, images: torch.Tensor) -> None:
    """So few steps do not move the norms' running means; here they are taken from the pictures at once."""
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None
    with torch.no_grad():
        model(images)


def _check_that_it_learns(name: str, backbone_name: str | None, rate: float, count: int = 8) -> None:
    torch.manual_seed(0)
    config = new_config(name, NAMES, backbone_name, (SIDE, SIDE))
    # Channels last halves the time of grouped convolutions.
    model = build_network(config).to(memory_format=torch.channels_last)
    if name == "ssd300":  # as VGG is fine-tuned: without its first two blocks, which are half of the work
        model.early[:10].requires_grad_(False)
    priors = make_priors(config.levels, (SIDE, SIDE))
    first, last = _overfit(model, torch.from_numpy(priors).float(), rate, count)
    assert last < 0.05 * first
    images, truths = _pictures(count)
    with torch.no_grad():
        offsets, logits = model.eval()(images)
    back = Letterbox((1, 1), (0, 0), (SIDE, SIDE))
    for i, truth in enumerate(truths):
        found = postprocess(
            offsets[i].numpy(), logits[i].numpy(), priors, back, Thresholds(0.5), NAMES, background=True
        )
        assert 1 <= len(found) <= 3
        assert found.labels[0] == i % 2
        assert iou(found.boxes[:1], truth.boxes.double().numpy()) > 0.5


def _by_heart(name: str) -> object:
    return name if name in EVERY_DAY else pytest.param(name, marks=pytest.mark.long)


@pytest.mark.parametrize("name", [_by_heart(name) for name in BACKBONES if name != "vgg16"])
def test_an_ssd_on_it_learns_eight_pictures_by_heart(name):
    _check_that_it_learns("ssd", name, 1e-2 if name.startswith(LIGHT) else 1e-3)


@pytest.mark.long
def test_ssd_on_vgg16_learns_four_pictures_by_heart():
    """Each picture costs it as much as eight cost another network."""
    _check_that_it_learns("ssd300", "vgg16", 2e-4, 4)


@pytest.mark.parametrize("name", [None, "ghostnet_100"])
def test_ssdlite_learns_eight_pictures_by_heart(name):
    _check_that_it_learns("ssdlite", name, 6e-3)


@pytest.mark.parametrize("name", BACKBONES)
def test_its_maps_are_at_the_strides_that_it_says(name):
    chosen = backbone(name)
    body = chosen.build().eval()
    with torch.no_grad():
        maps = body(torch.zeros(1, 3, 64, 96))
    assert len(maps) == len(chosen.strides)
    assert map_channels(name, body, chosen.strides) == [x.shape[1] for x in maps]
    for x, stride in zip(maps, chosen.strides, strict=True):
        # AlexNet pads less than it strides, which costs a cell.
        assert 64 / stride - 1 <= x.shape[2] <= 64 / stride
        assert 96 / stride - 1 <= x.shape[3] <= 96 / stride


@pytest.mark.parametrize("architecture", ["ssd300", "ssdlite"])
@pytest.mark.parametrize("size", [(96, 128), (100, 70)])
@pytest.mark.parametrize("name", ["alexnet", "vgg16", "resnet18", "ghostnet_100"])
def test_the_network_answers_for_each_prior_of_any_input(architecture, name, size):
    with torch.device("meta"), torch.no_grad():  # the shapes alone
        config = new_config(architecture, ("a", "b"), name, size)
        offsets, logits = build_network(config).eval()(torch.zeros(1, 3, size[1], size[0]))
    count = len(make_priors(config.levels, size))
    assert offsets.shape == (1, count, 4)
    assert logits.shape == (1, count, 3)


def test_any_timm_model_with_maps_at_strides_8_and_16_will_do():
    config = new_config("ssdlite", ("a",), "mobilenetv4_conv_small", (96, 96))
    with torch.no_grad():
        offsets, _ = build_network(config).eval()(torch.zeros(1, 3, 96, 96))
    assert offsets.shape[1] == len(make_priors(config.levels, (96, 96)))
    with pytest.raises(UsageError, match="vit_tiny_patch16_224 cannot be used as a backbone"):
        new_config("ssd", ("a",), "vit_tiny_patch16_224")
    with pytest.raises(
        UsageError, match="swin_tiny_patch4_window7_224 cannot be used as a backbone: it takes"
    ):
        build_network(new_config("ssd", ("a",), "swin_tiny_patch4_window7_224", (96, 96)))


def test_an_unknown_backbone_is_one_line_with_the_nearest_names():
    with pytest.raises(UnknownNameError, match="unknown backbone 'resnt18': did you mean resnet18"):
        new_config("ssd", ("a",), "resnt18")
    with pytest.raises(UnknownNameError, match="did you mean ghostnet_1"):
        new_config("ssd", ("a",), "ghostnet_10")
    with pytest.raises(UnknownNameError, match="known: alexnet, vgg16") as error:
        new_config("ssd", ("a",), "zzzz")
    assert "\n" not in str(error.value)
