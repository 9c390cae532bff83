"""State dicts of RetinaFace with MobileNet's trunk, as several PyTorch repositories under MIT have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from rtdet.detectors.heads.head import street_picture
from rtdet.detectors.retinaface.config import RetinaFaceConfig
from rtdet.detectors.retinaface.drawing import draw_face
from rtdet.detectors.retinaface.measure import find_sides, find_slope
from rtdet.detectors.retinaface.network import RetinaFace
from rtdet.detectors.state_dicts import fill
from rtdet.errors import ModelError

_PARALLEL = "module."
_KEYS = ("ssh1.conv3X3.0.weight", "BboxHead.0.conv1x1.weight")


def is_published(weights: Mapping[str, Tensor]) -> bool:
    """Whether a state dict is a RetinaFace's."""
    return all(key in _plain(weights) for key in _KEYS)


def from_published(weights: Mapping[str, Tensor]) -> RetinaFace:
    """The network of a state dict, in evaluation mode. Raises ModelError for one that does not fit."""
    plain = _plain(weights)
    first, lateral = plain.get("body.stage1.0.0.weight"), plain.get("fpn.output1.0.weight")
    if first is None or lateral is None:
        raise ModelError("it is a RetinaFace with another trunk than MobileNet's")
    config = RetinaFaceConfig(name="retinaface", width=first.shape[0], channels=lateral.shape[0])
    network = _made(config, plain)
    pictures = [draw_face(130, 320)[0], draw_face(40, 320)[0], street_picture()]
    config = replace(config, slope=find_slope(network, pictures))
    network = _made(config, plain)
    return _made(replace(config, sides=find_sides(network)), plain)


def _made(config: RetinaFaceConfig, weights: Mapping[str, Tensor]) -> RetinaFace:
    network = RetinaFace(config)
    fill(network, weights)
    return network.eval()


def _plain(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without the prefix that training on several GPUs leaves."""
    return {key.removeprefix(_PARALLEL): value for key, value in weights.items()}
