"""What is common to rtdet's own networks: how they see the picture, and maps out of their middle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rtdet.backends.feature_maps import feature_maps
from rtdet.backends.network import Tensor
from rtdet.detectors.family.config import NetworkConfig
from rtdet.detectors.family.detector import NetworkDetector
from rtdet.detectors.family.graph import graph_of
from rtdet.detectors.look import Look
from rtdet.errors import ModelError
from rtdet.explain.inside import View
from rtdet.types import FloatArray

if TYPE_CHECKING:
    from rtdet.detectors.family.network import DetectionNetwork

Maps = Sequence[tuple[str, FloatArray]]


def view_of(config: NetworkConfig, look: Look) -> View:
    fit = "corner" if config.input_size is None else "stretch"
    return View(
        look.fitted, look.back, fit, "blue, green, red", "0 to 255; the first layer scales them itself"
    )


def maps_of(detector: NetworkDetector, look: Look) -> Maps:
    """Feature maps of one of rtdet's own networks: of its graph, or where it is not in a file, of an SSD."""
    if getattr(detector.config, "openvino_lacks", ""):
        return []
    if isinstance(detector.weights, Path):
        graph = graph_of(detector.weights, tuple(one.shape for one in look.inputs), "openvino")
        return [] if graph is None else maps_in(graph, look.inputs, look.size)
    return _maps_of_module(detector.weights, look)


def _maps_of_module(network: DetectionNetwork, look: Look) -> Maps:
    import torch

    from rtdet.detectors.ssd.module import PlainSSD

    if not isinstance(network, PlainSSD):
        return []
    with torch.inference_mode():
        pictures = torch.from_numpy(look.inputs[0])
        found = network.eval().cpu().feature_maps((pictures.flip(1) / 255 - network.mean) / network.std)
    return [(map_title(look.size, tuple(one.shape[1:])), one[0].double().numpy()) for one in found]


def maps_in(graph: Path, inputs: tuple[Tensor, ...], size: tuple[int, int]) -> Maps:
    """Feature maps of a graph's file, each with what is said of it; none where its layers cannot be looked at."""
    try:
        found = feature_maps(graph, inputs)
    except ModelError:
        return []
    return [(map_title(size, one.shape), np.asarray(one, dtype=np.float64)) for one in found]


def map_title(size: tuple[int, int], shape: tuple[int, ...]) -> str:
    """What is said of a map (C, H, W)."""
    stride = round(size[0] / shape[2])
    return f"{shape[2]}×{shape[1]} cells of {stride} pixels, {shape[0]} channels"
