"""Turns YOLOX-nano's published weights into the start of an SSD, as a classifier's were for the first SSD.

Its trunk and pyramid are taken over as they are. Its heads become SSD's: YOLOX says where a box is relative to
a cell's corner and as log size in cells, SSD relative to a prior, so the one is a linear function of the other.
What comes out detects as the original does, and training goes on from there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rtdet.detectors.coco import COCO_CLASSES
from rtdet.detectors.ssd.coder import BoxCoder
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.csp import CspSSD, Head
from rtdet.errors import ModelError

NANO_WIDTHS = (16, 32, 64, 128, 256)
NANO_DEPTHS = (1, 3, 3, 1)


def from_yolox(onnx_file: Path, class_names: Sequence[str], pictures: Iterable[Tensor]) -> CspSSD:
    """The SSD that starts from YOLOX-nano's ONNX export, for `class_names` out of COCO's.

    pictures: batches (B, 3, H, W) BGR 0..255, by which the normalisation layers, which the export folded away,
    are set up again. Raises ModelError for a file that does not fit and ValueError for classes that it lacks.
    """
    missing = [name for name in class_names if name not in COCO_CLASSES]
    if missing:
        raise ValueError(f"YOLOX does not know {', '.join(missing)}")
    config = SSDConfig(tuple(class_names), NANO_WIDTHS, NANO_DEPTHS, neck=64, architecture="csp-n")
    model = CspSSD(config).eval()
    layers = _convolutions(onnx_file)
    named, body = _split_heads(layers)
    _fill_body(model, body, onnx_file)
    for level, head in enumerate(model.heads):
        assert isinstance(head, Head)
        _fill_head(head, named, level, [COCO_CLASSES.index(name) for name in class_names])
    set_up_norms(model, pictures)
    return model


def _convolutions(path: Path) -> list[tuple[str, Tensor, Tensor]]:
    """(weight's name, weight, bias) of every convolution, in the order of execution."""
    import onnx
    from onnx import numpy_helper

    try:
        graph = onnx.load(str(path)).graph
    except Exception as error:  # protobuf's own error types
        raise ModelError(f"{path} is not an ONNX file: {error}") from error
    values = {i.name: i for i in graph.initializer}

    def tensor(name: str) -> Tensor:
        return torch.from_numpy(numpy_helper.to_array(values[name]).copy())

    nodes: list[Any] = [node for node in graph.node if node.op_type == "Conv"]
    return [(node.input[1], tensor(node.input[1]), tensor(node.input[2])) for node in nodes]


def _split_heads(
    layers: list[tuple[str, Tensor, Tensor]],
) -> tuple[dict[str, tuple[Tensor, Tensor]], list[tuple[Tensor, Tensor]]]:
    """The last layers of the heads, which keep their names in the export, and all others in order."""
    named = {name: (weight, bias) for name, weight, bias in layers if name.startswith("head.")}
    body = [(weight, bias) for name, weight, bias in layers if not name.startswith("head.")]
    return named, body


def _fill_body(model: CspSSD, body: list[tuple[Tensor, Tensor]], path: Path) -> None:
    """Convolutions followed by a norm, in the order in which both networks run them."""
    blocks = [(conv, norm) for conv, norm in _in_order(model) if isinstance(norm, nn.BatchNorm2d)]
    if len(blocks) != len(body):
        raise ModelError(f"{path} has {len(body)} inner convolutions where YOLOX-nano has {len(blocks)}")
    for i, ((conv, norm), (weight, bias)) in enumerate(zip(blocks, body, strict=True)):
        wanted = _unfocused(weight) if i == 0 else weight
        if wanted.shape != conv.weight.shape:
            raise ModelError(f"{path} is another YOLOX than nano: {tuple(weight.shape)} at convolution {i}")
        with torch.no_grad():
            conv.weight.copy_(wanted)
            # Until `set_up_norms` the norm only adds the folded bias.
            norm.weight.fill_(math.sqrt(1 + norm.eps))
            norm.bias.copy_(bias)


def _in_order(model: CspSSD) -> list[tuple[nn.Conv2d, nn.Module]]:
    """(convolution, what follows it) as they run: by hooks on one small picture."""
    seen: list[nn.Module] = []
    hooks = [
        m.register_forward_hook(lambda module, *_: seen.append(module))
        for m in model.modules()
        if isinstance(m, (nn.Conv2d, nn.BatchNorm2d))
    ]
    with torch.no_grad():
        model(torch.zeros(1, 3, 64, 64))
    for hook in hooks:
        hook.remove()
    following = [*seen[1:], nn.Identity()]
    return [(m, after) for m, after in zip(seen, following, strict=True) if isinstance(m, nn.Conv2d)]


def _unfocused(weight: Tensor) -> Tensor:
    """(O, 12, 3, 3) over YOLOX's focus as the same (O, 3, 6, 6) of stride 2 over the picture.

    Focus puts the four pixels of each 2x2 block into channels: top left, bottom left, top right, bottom right.
    """
    outputs = weight.shape[0]
    out = weight.new_zeros(outputs, 3, 6, 6)
    for i, (dy, dx) in enumerate([(0, 0), (1, 0), (0, 1), (1, 1)]):
        out[:, :, dy::2, dx::2] = weight[:, 3 * i : 3 * i + 3]
    return out


def _fill_head(head: Head, named: dict[str, tuple[Tensor, Tensor]], level: int, classes: list[int]) -> None:
    kinds, kinds_bias = named[f"head.cls_preds.{level}.weight"]
    objects, objects_bias = named[f"head.obj_preds.{level}.weight"]
    boxes, boxes_bias = named[f"head.reg_preds.{level}.weight"]
    with torch.no_grad():
        assert head.classes.bias is not None
        assert head.objects.bias is not None
        assert head.boxes.bias is not None
        head.classes.weight.copy_(kinds[classes])
        head.classes.bias.copy_(kinds_bias[classes])
        head.objects.weight.copy_(objects)
        head.objects.bias.copy_(objects_bias)
        # YOLOX: centre = (cell + x) * stride, size = exp(w) * stride. SSD, with a prior of 4 strides at the
        # cell's middle: centre = (cell + .5) * stride + .1 * x' * 4 * stride, size = exp(.2 * w') * 4 * stride.
        center, size = BoxCoder().v_center, BoxCoder().v_size
        scale = torch.tensor([1 / (4 * center)] * 2 + [1 / size] * 2)
        shift = torch.tensor([-0.5 / (4 * center)] * 2 + [-math.log(4) / size] * 2)
        head.boxes.weight.copy_(boxes * scale[:, None, None, None])
        head.boxes.bias.copy_(boxes_bias * scale + shift)


@torch.no_grad()
def set_up_norms(model: nn.Module, pictures: Iterable[Tensor]) -> None:
    """Gives every norm the statistics of its input over `pictures`, and weights that undo them, so that the
    network in evaluation computes what it did before, and normalises in training."""
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    sums: dict[nn.Module, list[Tensor]] = {}

    def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0].double()
        entry = torch.stack([x.mean((0, 2, 3)), x.square().mean((0, 2, 3))])
        sums.setdefault(module, []).append(entry)

    hooks = [norm.register_forward_pre_hook(note) for norm in norms]
    model.eval()
    for batch in pictures:
        model(batch)
    for hook in hooks:
        hook.remove()
    for norm in norms:
        if norm not in sums:
            continue
        mean, square = torch.stack(sums[norm]).mean(0)
        variance = (square - mean.square()).clamp(min=1e-4)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        # As it is now: y = gain * x + offset.
        gain = norm.weight / (norm.running_var + norm.eps).sqrt()
        offset = norm.bias - norm.running_mean * gain
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_(gain * (norm.running_var + norm.eps).sqrt())
        norm.bias.copy_(offset + norm.running_mean * gain)
