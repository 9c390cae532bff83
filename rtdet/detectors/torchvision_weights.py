"""torchvision's detection models from a file: which of them its state dict belongs to, with which classes."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch

from rtdet.backends.hostile_pth import refuse_hostile_pth
from rtdet.backends.placeholders import refuse_placeholder
from rtdet.detectors.coco import COCO_CLASSES
from rtdet.detectors.names import class_names
from rtdet.detectors.ssd.torchvision_state import from_torchvision
from rtdet.detectors.state_dicts import fill
from rtdet.errors import ModelError


class _Signature(NamedTuple):
    """How to tell an architecture: a key of its own, and the layer that has `boxes` outputs a class."""

    key: str
    class_layer: str
    boxes: int


_HEAD = "head.classification_head."
_SIGNATURES: Mapping[str, _Signature] = {
    "ssd300_vgg16": _Signature("backbone.scale_weight", f"{_HEAD}module_list.0.weight", 4),
    "ssdlite320_mobilenet_v3_large": _Signature(
        f"{_HEAD}module_list.0.1.weight", f"{_HEAD}module_list.0.1.weight", 6
    ),
    "fasterrcnn_mobilenet_v3_large_320_fpn": _Signature(
        "roi_heads.box_head.fc6.weight", "roi_heads.box_predictor.cls_score.weight", 1
    ),
    "fcos_resnet50_fpn": _Signature(
        "head.regression_head.bbox_ctrness.weight", f"{_HEAD}cls_logits.weight", 1
    ),
    "retinanet_resnet50_fpn_v2": _Signature(f"{_HEAD}conv.0.1.weight", f"{_HEAD}cls_logits.weight", 9),
}
ARCHITECTURES = tuple(_SIGNATURES)
# These two are built from our own SSD, which runs on any backend.
OUR_SSDS = ("ssd300_vgg16", "ssdlite320_mobilenet_v3_large")
# torchvision's models for COCO number their classes by COCO's own ids, which run to 90 with ten gaps.
_COCO_OUTPUTS = 91


class LoadedModel(NamedTuple):
    """A model with its weights in evaluation mode; `names[i]` is its output class i + 1, "" for a gap. An
    SSDModule of ours for the OUR_SSDS, else torchvision's model."""

    architecture: str
    model: torch.nn.Module
    names: tuple[str, ...]


def load_model(path: Path, architecture: str | None = None) -> LoadedModel:
    """The model whose state dict is in `path`, an `architecture` known from its card or told by its keys.

    Raises ModelError for a file that is damaged, would run code, or belongs to another model.
    """
    weights = read_state_dict(path)
    found = next((name for name, sign in _SIGNATURES.items() if sign.key in weights), None)
    if found is None or architecture not in (None, found):
        expected = architecture or "one of " + ", ".join(ARCHITECTURES)
        raise ModelError(f"{path} holds the weights of another model, expected {expected}")
    sign = _SIGNATURES[found]
    layer = weights.get(sign.class_layer)
    if layer is None or layer.shape[0] % sign.boxes:
        raise ModelError(f"{path} is not complete: it lacks {sign.class_layer}")
    outputs = layer.shape[0] // sign.boxes
    names = _coco_names(found) if outputs == _COCO_OUTPUTS else class_names(path, outputs - 1, {})
    try:
        if found in OUR_SSDS:
            return LoadedModel(found, from_torchvision(found, weights, names), names)
        model = _build(found, outputs)
        fill(model, weights)
    except ModelError as error:
        raise ModelError(f"{path} does not fit its architecture: {error}") from error
    return LoadedModel(found, model.eval(), names)


def read_state_dict(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a .pth file, read without running any code in it. Raises ModelError."""
    refuse_placeholder(path)
    refuse_hostile_pth(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "nsupported" in str(error):  # "Unsupported global", "Unsupported operand", ...
            message = (
                f"{path} holds Python objects, which could run code when read; rtdet reads plain weights only"
            )
        else:
            message = f"{path} is not a file of PyTorch weights, or it is damaged"
        raise ModelError(message) from error
    except Exception as error:  # torch.load raises whatever a damaged archive makes it stumble over
        raise ModelError(f"{path} is not a file of PyTorch weights, or it is damaged") from error
    for key in ("model", "state_dict"):  # a training checkpoint has the weights inside
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(v, torch.Tensor) for v in content.values()):
        raise ModelError(f"{path} holds no state dict: save one with torch.save(model.state_dict(), path)")
    return dict(content)


def _build(architecture: str, outputs: int) -> torch.nn.Module:
    import torchvision

    model: torch.nn.Module = torchvision.models.get_model(
        architecture, weights=None, weights_backbone=None, num_classes=outputs
    )
    return model


def _coco_names(architecture: str) -> tuple[str, ...]:
    import torchvision

    categories = torchvision.models.get_model_weights(architecture).DEFAULT.meta["categories"]
    return tuple(name if name in COCO_CLASSES else "" for name in categories[1:])
