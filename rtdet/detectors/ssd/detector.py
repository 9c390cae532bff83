"""Our SSDs as Detectors: the picture fitted in, the network on any back end, postprocess."""

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
from rtdet.detectors.ssd.graph import graph_of
from rtdet.detectors.ssd.postprocess import postprocess, visible_names
from rtdet.detectors.ssd.priors import PriorLevel, make_priors
from rtdet.detectors.ssd.weights import load_weights, read_config
from rtdet.errors import ModelError, UsageError
from rtdet.geometry.letterbox import Letterbox, letterbox, stretch
from rtdet.types import Detections, FloatArray, Image, Thresholds

if TYPE_CHECKING:
    import torch

    from rtdet.detectors.ssd.module import SSDModule

DEFAULT_INPUT = 416


class SSDDetector:
    """Runs one SSD. One that takes any input gets each picture's own aspect, `imgsz` pixels wide or high, and
    is compiled once for each of the few shapes that occur; to the one input of another a picture is stretched.

    `weights` is a .safetensors file of rtdet, or a network. Raises ModelError for one that cannot be read,
    UsageError and UnknownNameError for settings that are wrong or that this machine lacks.
    """

    def __init__(
        self,
        weights: Path | SSDModule,
        *,
        thresholds: Thresholds | None = None,
        device: str = "auto",
        backend: str = "auto",
        precision: str = "auto",
        imgsz: int | None = None,
    ) -> None:
        self._config = read_config(weights) if isinstance(weights, Path) else weights.config
        self._weights: Path | SSDModule | None = weights
        self.class_names: Sequence[str] = visible_names(self._config.class_names)
        self.thresholds = thresholds or Thresholds()
        self._long_side = _long_side(self._config.input_size, imgsz)
        check_names(backend, device, precision)
        self._backend, self._device = choose(backend, device, is_file=False)
        self._precision = precision
        self._networks: dict[tuple[int, int], Network] = {}
        # Opened at once, so that a wrong device or back end fails here and not on the first frame.
        self._network(self._config.input_size or input_size(16, 9, self._long_side))

    @property
    def network(self) -> Network:
        """The network in use: its backend, device and precision."""
        return next(iter(self._networks.values()))

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        if self._config.input_size is not None:
            return list(self._detect_same_size(images, self._config.input_size))
        found: list[Detections] = []
        for size, batch in runs_of_one_size(images, self._long_side):
            found.extend(self._detect_same_size(batch, size))
        return found

    def _detect_same_size(self, images: Sequence[Image], size: tuple[int, int]) -> Iterator[Detections]:
        config = self._config
        network, priors = self._network(size), _priors(config.levels, size)
        fit = letterbox if config.input_size is None else stretch
        maps: list[Letterbox] = []

        def inputs() -> Iterator[Tensor]:
            for image in images:
                fitted, back = fit(image, size)
                maps.append(back)
                yield np.asarray(cv2.dnn.blobFromImage(fitted), dtype=np.float32)

        for i, (offsets, logits) in enumerate(network.run_many(inputs())):
            yield postprocess(
                offsets[0],
                logits[0],
                priors,
                maps[i],
                self.thresholds,
                config.class_names,
                background=config.background,
            )

    def _network(self, size: tuple[int, int]) -> Network:
        if self._weights is None:
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
        """The network in the quickest form: a graph, which needs no torch, where there is one."""
        assert self._weights is not None
        if not isinstance(self._weights, Path):
            return self._weights
        return graph_of(self._weights, shape, self._backend) or load_weights(self._weights)

    def close(self) -> None:
        self._weights = None
        for network in self._networks.values():
            network.close()


def _long_side(fixed: tuple[int, int] | None, imgsz: int | None) -> int:
    """Pixels of the input's longer side; raises UsageError for an `imgsz` that the network cannot have."""
    if fixed is not None:
        if imgsz not in (None, max(fixed)):
            size = f"{fixed[0]}x{fixed[1]}"
            raise UsageError(f"this model runs at {size} pixels only; omit --imgsz")
        return max(fixed)
    if imgsz is not None and imgsz < 64:
        raise UsageError(f"--imgsz {imgsz} is too small for this model; use 64 or more")
    return DEFAULT_INPUT if imgsz is None else imgsz


@lru_cache(maxsize=8)
def _priors(levels: tuple[PriorLevel, ...], size: tuple[int, int]) -> FloatArray:
    priors = make_priors(levels, size)
    priors.setflags(write=False)  # shared between detectors
    return priors
