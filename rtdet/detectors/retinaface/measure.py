"""What a state dict does not tell, measured: how its network bends, and for which anchors it was trained.

Batch norms remember the mean and the variance of what they saw in the training. With the right slope of the leaky
ReLUs they see the like of it in any picture: on twelve of COCO's the means were .15 standard deviations off on
average, with the wrong slope .79. Wrong anchors give boxes of a wrong size around what is found for certain, so they
are chosen by how well boxes cover drawn faces.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from rtdet.detectors.retinaface.config import PUBLISHED_SIDES, SLOPES, SMALLER_SIDES
from rtdet.detectors.retinaface.drawing import draw_face
from rtdet.detectors.retinaface.network import RetinaFace
from rtdet.geometry.boxes import iou
from rtdet.types import FloatArray, Image

_HEIGHTS = (24, 40, 60, 90, 130, 200)
_SIDE = 320


@torch.no_grad()
def find_slope(network: RetinaFace, pictures: Sequence[Image]) -> float:
    """The slope with which the batch norms of a network, in evaluation mode, see most of what they remember. It keeps
    the last that was tried. pictures: (H, W, 3) BGR, whose sides are multiples of 32."""
    bends = [layer for layer in network.modules() if isinstance(layer, nn.LeakyReLU)]
    distances = {}
    for slope in SLOPES:
        for layer in bends:
            layer.negative_slope = slope
        distances[slope] = _strangeness(network, pictures)
    return min(distances, key=distances.__getitem__)


def _strangeness(network: RetinaFace, pictures: Sequence[Image]) -> float:
    """How many standard deviations off the remembered means the inputs of the batch norms are, on average."""
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    off: list[float] = []

    def look(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, nn.BatchNorm2d)
        mean, variance = layer.running_mean, layer.running_var
        assert mean is not None
        assert variance is not None
        seen = inputs[0].mean((0, 2, 3))
        off.append(float(((seen - mean) / (variance + layer.eps).sqrt()).abs().mean()))

    hooks = [layer.register_forward_pre_hook(look) for layer in norms]
    try:
        for picture in pictures:
            network(_tensor(picture))
    finally:
        for hook in hooks:
            hook.remove()
    return float(np.mean(off))


@torch.no_grad()
def find_sides(network: RetinaFace) -> tuple[int, ...]:
    """The sides of the anchors with which a network, in evaluation mode, covers drawn faces best."""
    faces = [draw_face(height, _SIDE) for height in _HEIGHTS]
    outputs = [network(_tensor(picture)) for picture, _ in faces]
    covered = {}
    for sides in (PUBLISHED_SIDES, SMALLER_SIDES):
        boxes = (network.decode_with(sides, output) for output in outputs)
        covered[sides] = sum(_covered(boxes, [box for _, box in faces]))
    return max(covered, key=covered.__getitem__)


def _covered(found: Iterator[tuple[Tensor, Tensor]], faces: Sequence[FloatArray]) -> Iterator[float]:
    """For each face the overlap with what the network is surest of, times how sure it is."""
    for (boxes, scores), face in zip(found, faces, strict=True):
        best = int(scores[0, :, 0].argmax())
        overlap = iou(boxes[0, best : best + 1].double().numpy(), face[None])[0, 0]
        yield float(scores[0, best, 0]) * float(overlap)


def _tensor(picture: Image) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)[None]).astype(np.float32))
