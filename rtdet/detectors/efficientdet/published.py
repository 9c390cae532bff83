"""Weights of the authors' EfficientDets as PyTorch has them: state dicts of the package effdet (Apache-2.0)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from rtdet.detectors.coco import COCO_CLASSES
from rtdet.detectors.efficientdet.config import EfficientDetConfig, compound, input_of
from rtdet.detectors.efficientdet.network import EfficientDet
from rtdet.detectors.state_dicts import fill
from rtdet.errors import ModelError

# COCO numbers its 80 classes from 1 to 90; these numbers mean nothing.
_GAPS = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
# effdet's names of the nodes of a layer, in its order: the way down, then the way up.
_NODES = [f"down.{i}" for i in range(4)] + [f"up.{i}" for i in range(4)]
# The nodes that take the trunk's maps: (node, map) to our name.
_LATERALS = {
    ("1", "2"): "down_laterals.2", ("2", "1"): "down_laterals.1", ("3", "0"): "down_laterals.0",
    ("4", "1"): "up_laterals.0", ("5", "2"): "up_laterals.1",
}  # fmt: skip
_RULES: Sequence[tuple[str, str]] = (
    (r"backbone\.(.*)", r"backbone.body.body.\1"),
    (r"fpn\.resample\.3\.conv\.conv\.(.*)", r"pyramid.sixth.0.\1"),
    (r"fpn\.resample\.3\.conv\.bn\.(.*)", r"pyramid.sixth.1.\1"),
    *(
        rule
        for theirs, ours in (("class", "classes"), ("box", "boxes"))
        for rule in (
            (rf"{theirs}_net\.conv_rep\.(\d)\.conv_dw\.(.*)", rf"{ours}.looks.\1.each.\2"),
            (rf"{theirs}_net\.conv_rep\.(\d)\.conv_pw\.(.*)", rf"{ours}.looks.\1.across.\2"),
            (rf"{theirs}_net\.bn_rep\.(\d)\.(\d)\.bn\.(.*)", rf"{ours}.norms.\1.\2.\3"),
            (rf"{theirs}_net\.predict\.conv_dw\.(.*)", rf"{ours}.predict.each.\1"),
            (rf"{theirs}_net\.predict\.conv_pw\.(.*)", rf"{ours}.predict.across.\1"),
        )
    ),
)


def is_published(weights: Mapping[str, Tensor]) -> bool:
    """Whether a state dict is one of effdet's."""
    return "fpn.resample.3.conv.conv.weight" in weights and "class_net.predict.conv_pw.weight" in weights


def from_published(weights: Mapping[str, Tensor]) -> EfficientDet:
    """The network of a state dict, D0 to D2, of COCO's 80 classes. Raises ModelError for one that does not fit."""
    config = _published(_phi_of(weights))
    network = EfficientDet(config)
    outputs = len(config.scales) * len(config.aspects)
    made = {_named(key): value for key, value in weights.items() if not key.startswith("anchors")}
    classes = made["classes.predict.across.weight"].shape[0] // outputs
    if classes != 90:
        raise ModelError(f"it has {classes} classes, not COCO's 90 numbers")
    kept = torch.tensor([i for i in range(90) if i + 1 not in _GAPS])
    for part in ("weight", "bias"):
        key = f"classes.predict.across.{part}"
        made[key] = _chosen(made[key], 90, kept)
        # The authors put y in front of x, and height in front of width.
        key = f"boxes.predict.across.{part}"
        made[key] = _chosen(made[key], 4, torch.tensor([1, 0, 3, 2]))
    fill(network, made)
    return network.eval()


def _phi_of(weights: Mapping[str, Tensor]) -> int:
    width = weights["fpn.resample.3.conv.conv.weight"].shape[0]
    phi = next((phi for phi in range(3) if _published(phi).channels == width), None)
    if phi is None:
        raise ModelError(f"an EfficientDet with {width} channels is none of D0 to D2")
    return phi


def _chosen(weight: Tensor, of: int, kept: Tensor) -> Tensor:
    """Some of the `of` outputs of each anchor."""
    return weight.view(-1, of, *weight.shape[1:])[:, kept].flatten(0, 1)


def _published(phi: int) -> EfficientDetConfig:
    return compound(phi, class_names=COCO_CLASSES, usual_side=input_of(phi))


def _named(key: str) -> str:
    """Our name for one of effdet's weights; an unknown name stays as it is, and `fill` says so."""
    node = re.fullmatch(r"fpn\.cell\.(\d+)\.fnode\.(\d)\.(.*)", key)
    if node is not None:
        return _of_node(*node.groups())
    for pattern, name in _RULES:
        found = re.fullmatch(pattern, key)
        if found is not None:
            return found.expand(name)
    return key


def _of_node(layer: str, number: str, rest: str) -> str:
    ours = f"pyramid.layers.{layer}."
    lateral = re.fullmatch(r"combine\.resample\.(\d)\.conv\.(conv|bn)\.(.*)", rest)
    if lateral is not None:
        place = _LATERALS.get((number, lateral[1]), f"unknown.{number}.{lateral[1]}")
        return f"{ours}{place}.{0 if lateral[2] == 'conv' else 1}.{lateral[3]}"
    ours += _NODES[int(number)] + "."
    if rest == "combine.edge_weights":
        return ours + "weights"
    rest = rest.removeprefix("after_combine.conv.")
    return ours + rest.replace("conv_dw", "look.each").replace("conv_pw", "look.across").replace(
        "bn.", "norm."
    )
