"""Our SSD as a Detector: letterbox, network on any back end, postprocess."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from rtdet.backends import Network, open_network
from rtdet.backends.network import Shape, Tensor
from rtdet.backends.registry import check_names, choose
from rtdet.detectors.batching import input_size, runs_of_one_size
from rtdet.detectors.ssd.graph import cached_graph
from rtdet.detectors.ssd.postprocess import postprocess
from rtdet.detectors.ssd.priors import PriorLevel, make_priors
from rtdet.detectors.ssd.weights import load_weights, read_config
from rtdet.errors import ModelError, UsageError
from rtdet.geometry.letterbox import Letterbox, letterbox
from rtdet.types import Detections, FloatArray, Image, Thresholds

if TYPE_CHECKING:
    import torch

DEFAULT_INPUT = 416


class SSDDetector:
    """Runs one SSD on inputs of each picture's own aspect, `imgsz` pixels wide or high. The network is
    compiled once for each of the few shapes that occur.

    `weights` is a .safetensors file of ours. Raises ModelError for one that cannot be read, UsageError and
    UnknownNameError for settings that are wrong or that this machine lacks.
    """

    def __init__(
        self,
        weights: Path,
        *,
        thresholds: Thresholds | None = None,
        device: str = "auto",
        backend: str = "auto",
        precision: str = "auto",
        imgsz: int | None = None,
    ) -> None:
        self._config = read_config(weights)
        self._weights = weights
        self.class_names: Sequence[str] = self._config.class_names
        self.thresholds = thresholds or Thresholds()
        self._long_side = DEFAULT_INPUT if imgsz is None else imgsz
        if self._long_side < 64:
            raise UsageError(f"--imgsz {imgsz} is too small for this model; use 64 or more")
        check_names(backend, device, precision)
        self._backend, self._device = choose(backend, device, is_file=False)
        self._precision = precision
        self._networks: dict[tuple[int, int], Network] = {}
        self._closed = False
        # Opened at once, so that a wrong device or back end fails here and not on the first frame.
        self._network(input_size(16, 9, self._long_side))

    @property
    def network(self) -> Network:
        """The network in use: its backend, device and precision."""
        return next(iter(self._networks.values()))

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        found: list[Detections] = []
        for size, batch in runs_of_one_size(images, self._long_side):
            found.extend(self._detect_same_size(batch, size))
        return found

    def _detect_same_size(self, images: Sequence[Image], size: tuple[int, int]) -> Iterator[Detections]:
        network, priors = self._network(size), _priors(self._config.levels, size)
        maps: list[Letterbox] = []

        def inputs() -> Iterator[Tensor]:
            for image in images:
                fitted, back = letterbox(image, size)
                maps.append(back)
                yield np.asarray(cv2.dnn.blobFromImage(fitted), dtype=np.float32)

        for i, (offsets, logits) in enumerate(network.run_many(inputs())):
            yield postprocess(offsets[0], logits[0], priors, maps[i], self.thresholds, self.class_names)

    def _network(self, size: tuple[int, int]) -> Network:
        if self._closed:
            raise ModelError("this detector was closed")
        if size not in self._networks:
            shape = (1, 3, size[1], size[0])
            self._networks[size] = open_network(
                self._model(shape),
                shape,
                backend=self._backend,
                device=self._device,
                precision=self._precision,
            )
        return self._networks[size]

    def _model(self, shape: Shape) -> torch.nn.Module | Path:
        """The network in the quickest form: for OpenVINO the converted graph, which needs no torch."""
        graph = cached_graph(self._weights, shape) if self._backend == "openvino" else None
        return graph or load_weights(self._weights)

    def close(self) -> None:
        self._closed = True
        for network in self._networks.values():
            network.close()


@lru_cache(maxsize=8)
def _priors(levels: tuple[PriorLevel, ...], size: tuple[int, int]) -> FloatArray:
    priors = make_priors(levels, size)
    priors.setflags(write=False)  # shared between detectors
    return priors
