"""torchvision's two SSDs in our own networks, on random weights: the same heads and the same boxes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from rtdet.detectors.coco import COCO_CLASSES
from rtdet.detectors.registry import load_detector
from rtdet.detectors.ssd.detector import SSDDetector
from rtdet.detectors.ssd.levels import ssdlite_levels, torchvision_ssd300_levels
from rtdet.detectors.ssd.priors import make_priors
from rtdet.detectors.ssd.torchvision_state import from_torchvision
from rtdet.detectors.ssd.weights import load_weights, save_weights
from rtdet.errors import ModelError, UnknownNameError
from rtdet.geometry.boxes import cxcywh_to_xyxy
from rtdet.types import Thresholds

SSDS = ["ssd300_vgg16", "ssdlite320_mobilenet_v3_large"]
# The third output stands for no class, as ten of COCO's do.
NAMES = ("cat", "dog", "", "cow", "hen")


@pytest.fixture(scope="module", params=SSDS)
def theirs(request):
    """torchvision's model on random weights that keep a signal alive, with other scores for every class."""
    torch.manual_seed(0)
    model = torchvision.models.get_model(
        request.param, weights=None, weights_backbone=None, num_classes=len(NAMES) + 1
    )
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None
    if "lite" in request.param:
        for head in model.head.classification_head.module_list:
            nn.init.normal_(head[1].weight, std=0.1)
        side = model.transform.fixed_size[0]
        with torch.no_grad():
            model.head(list(model.train().backbone(torch.rand(2, 3, side, side)).values()))
    return request.param, model.eval()


def _heads(model, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Of torchvision's model for RGB 0..1 of its own size."""
    with torch.no_grad():
        batch, _ = model.transform(list(images))
        heads = model.head(list(model.backbone(batch.tensors).values()))
    return heads["bbox_regression"], heads["cls_logits"]


def _picture(width: int, height: int) -> np.ndarray:
    blocks = np.random.default_rng(1).integers(0, 255, (height // 20, width // 20, 3), dtype=np.uint8)
    return np.ascontiguousarray(blocks.repeat(20, 0).repeat(20, 1))


def _rgb(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image[:, :, ::-1].transpose(2, 0, 1).copy()).float() / 255


def test_the_raw_heads_are_torchvisions_within_a_ten_thousandth(theirs):
    name, model = theirs
    ours = from_torchvision(name, model.state_dict(), NAMES)
    image = _picture(*ours.config.input_size)
    offsets, logits = _heads(model, _rgb(image)[None])
    with torch.no_grad():
        our_offsets, our_logits = ours(torch.from_numpy(image.transpose(2, 0, 1).copy())[None].float())
    assert our_logits.std() > 0.1  # there is something to compare
    torch.testing.assert_close(our_offsets, offsets, rtol=0, atol=1e-4)
    torch.testing.assert_close(our_logits, logits, rtol=0, atol=1e-4)


@pytest.fixture(scope="module")
def their_boxes(theirs):
    with torch.no_grad():
        return {key: value.numpy() for key, value in theirs[1]([_rgb(_picture(640, 360))])[0].items()}


@pytest.mark.parametrize("backend", ["torch", "openvino", "onnxruntime"])
def test_the_boxes_are_torchvisions_within_a_hundredth_of_a_pixel(theirs, their_boxes, backend):
    name, model = theirs
    image, expected = _picture(640, 360), their_boxes
    named = np.array([NAMES[label - 1] for label in expected["labels"]])
    is_class = named != ""
    detector = SSDDetector(
        from_torchvision(name, model.state_dict(), NAMES),
        thresholds=Thresholds(model.score_thresh, model.nms_thresh, max_detections=50),
        backend=backend,
        device="cpu",
        precision="fp32",
    )
    (found,) = detector.detect([image])
    detector.close()
    assert detector.class_names == ("cat", "dog", "cow", "hen")
    assert len(found) == 50
    np.testing.assert_allclose(found.scores, expected["scores"][is_class][:50], atol=1e-4)
    for i, box in enumerate(found.boxes):
        same = expected["boxes"][named == found.name_of(i)]
        assert np.abs(same - box).max(1).min() < 0.01


def test_the_priors_are_torchvisions(theirs):
    from torchvision.models.detection.image_list import ImageList

    name, model = theirs
    levels = torchvision_ssd300_levels() if name == "ssd300_vgg16" else ssdlite_levels()
    size = tuple(model.transform.fixed_size)
    maps = [torch.zeros(1, 1, *level.cells(size)[::-1]) for level in levels]
    images = ImageList(torch.zeros(1, 3, size[1], size[0]), [size])
    expected = model.anchor_generator(images, maps)[0]
    np.testing.assert_allclose(cxcywh_to_xyxy(make_priors(levels, size)), expected, atol=1e-3)


def test_it_survives_our_own_weights_file(theirs, tmp_path):
    name, model = theirs
    ours = from_torchvision(name, model.state_dict(), NAMES)
    save_weights(ours, tmp_path / "mine.safetensors")
    again = load_weights(tmp_path / "mine.safetensors")
    assert again.config == ours.config
    for key, value in ours.named_parameters():
        torch.testing.assert_close(again.state_dict()[key], value, rtol=1e-3, atol=1e-6)


def test_a_users_own_fine_tuning_on_the_pretrained_backbone_has_the_full_tail(tmp_path):
    """torchvision halves MobileNetV3's last layers only where it does not start from ImageNet's weights."""
    torch.manual_seed(0)
    small = torchvision.models.get_model(SSDS[1], weights=None, weights_backbone=None, num_classes=3)
    ours = from_torchvision(SSDS[1], small.state_dict(), ("a", "b"))
    full = type(ours)(type(ours.config)(**{**vars(ours.config), "backbone": "mobilenet_v3_large"}))
    theirs = {_their_name(name): value for name, value in full.state_dict().items()}
    assert len(theirs["backbone.features.1.3.0.weight"]) == 960
    torch.save(theirs, tmp_path / "mine.pth")
    (tmp_path / "mine.txt").write_text("cat\ndog\n")
    detector = load_detector(tmp_path / "mine.pth", backend="torch", device="cpu")
    assert tuple(detector.class_names) == ("cat", "dog")
    detector.close()


def _their_name(name: str) -> str:
    for ours, theirs in {
        "early.": "backbone.features.0.",
        "late.": "backbone.features.1.",
        "extras.": "backbone.extra.",
        "score_heads.": "head.classification_head.module_list.",
        "box_heads.": "head.regression_head.module_list.",
    }.items():
        if name.startswith(ours):
            return theirs + name[len(ours) :]
    raise AssertionError(name)


def test_the_published_files_keep_cocos_gaps_apart(tmp_path):
    torch.manual_seed(0)
    model = torchvision.models.get_model(SSDS[1], weights=None, weights_backbone=None, num_classes=91)
    torch.save(model.state_dict(), tmp_path / "coco.pth")
    detector = load_detector(tmp_path / "coco.pth", thresholds=Thresholds(0.0), backend="torch", device="cpu")
    assert tuple(detector.class_names) == COCO_CLASSES
    (found,) = detector.detect([_picture(320, 320)])
    detector.close()
    assert found.class_names == COCO_CLASSES
    assert len(found) > 0
    assert set(found.labels.tolist()) <= set(range(80))


def test_weights_that_do_not_fit_are_named(theirs):
    name, model = theirs
    weights = dict(model.state_dict())
    weights["backbone.extra.9.0.weight"] = torch.zeros(1)
    with pytest.raises(ModelError, match="is missing or unknown"):
        from_torchvision(name, weights, NAMES)
    with pytest.raises(ModelError, match="shape"):
        from_torchvision(name, model.state_dict(), ("a", "b"))
    with pytest.raises(UnknownNameError, match="unknown SSD of torchvision 'ssd300'"):
        from_torchvision("ssd300", weights, NAMES)
