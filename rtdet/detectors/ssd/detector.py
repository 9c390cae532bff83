"""Our SSD as a Detector: letterbox, network on any back end, postprocess."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from rtdet.backends import Network, open_network
from rtdet.detectors.ssd.network import SSD, SSDConfig
from rtdet.detectors.ssd.postprocess import postprocess
from rtdet.detectors.ssd.priors import make_priors
from rtdet.detectors.ssd.weights import load_weights
from rtdet.errors import UsageError
from rtdet.geometry.letterbox import Letterbox, letterbox
from rtdet.types import Detections, FloatArray, Image, Thresholds

DEFAULT_INPUT = 416
_STRIDE = 32


class SSDDetector:
    """Runs one SSD. Pictures are fitted into an input of the first picture's own shape, `imgsz` pixels
    wide or high at most: on a 16:9 video that is 416x256, a third less work than a square.

    A network is compiled for one input shape; a few shapes are kept, so that a folder of mixed pictures
    works too.
    """

    def __init__(
        self,
        model: SSD,
        *,
        thresholds: Thresholds | None = None,
        device: str = "auto",
        backend: str = "auto",
        precision: str = "auto",
        imgsz: int | None = None,
    ) -> None:
        self.class_names: Sequence[str] = model.config.class_names
        self.thresholds = thresholds or Thresholds()
        self._config: SSDConfig = model.config
        self._long_side = DEFAULT_INPUT if imgsz is None else imgsz
        if self._long_side < 64:
            raise UsageError(f"--imgsz {self._long_side} is too small for this model; use 64 or more")
        self._model = model
        self._options = {"device": device, "backend": backend, "precision": precision}
        self._networks: dict[tuple[int, int], Network] = {}
        # Opened at once, so that a wrong device or back end fails here and not on the first frame.
        self._network(input_size(16, 9, self._long_side))

    @property
    def backend(self) -> str:
        """The back end in use."""
        return next(iter(self._networks.values())).backend

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        found: list[Detections] = []
        for size, batch in _runs_of_one_size(images, self._long_side):
            found.extend(self._detect_same_size(batch, size))
        return found

    def _detect_same_size(self, images: Sequence[Image], size: tuple[int, int]) -> Iterator[Detections]:
        boxes_in: list[Letterbox] = []

        def inputs() -> Iterator[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
            for image in images:
                fitted, back = letterbox(image, size)
                boxes_in.append(back)
                yield np.ascontiguousarray(fitted.transpose(2, 0, 1)[None], dtype=np.float32)

        priors = _priors(self._config.levels, size)
        for i, (offsets, logits) in enumerate(self._network(size).run_many(inputs())):
            yield postprocess(offsets[0], logits[0], priors, boxes_in[i], self.thresholds, self.class_names)

    def _network(self, size: tuple[int, int]) -> Network:
        if size not in self._networks:
            if len(self._networks) >= 4:
                self._networks.pop(next(iter(self._networks))).close()
            shape = (1, 3, size[1], size[0])
            self._networks[size] = open_network(self._model, shape, **self._options)
        return self._networks[size]

    def close(self) -> None:
        for network in self._networks.values():
            network.close()


def input_size(width: int, height: int, long_side: int) -> tuple[int, int]:
    """(width, height) of the network's input for a picture: its shape, `long_side` at most, in whole cells."""
    scale = long_side / max(width, height)
    sides = (max(1, -(-round(width * scale) // _STRIDE)), max(1, -(-round(height * scale) // _STRIDE)))
    # Very long pictures would leave a strip too thin for the coarsest map.
    return max(2, sides[0]) * _STRIDE, max(2, sides[1]) * _STRIDE


def _runs_of_one_size(
    images: Sequence[Image], long_side: int
) -> Iterator[tuple[tuple[int, int], list[Image]]]:
    run: list[Image] = []
    current: tuple[int, int] | None = None
    for image in images:
        size = input_size(image.shape[1], image.shape[0], long_side)
        if current is not None and size != current:
            yield current, run
            run = []
        current = size
        run.append(image)
    if current is not None:
        yield current, run


@lru_cache(maxsize=8)
def _priors(levels: tuple[object, ...], size: tuple[int, int]) -> FloatArray:
    return make_priors(levels, size)  # type: ignore[arg-type]


def open_ssd(
    path: Path,
    *,
    thresholds: Thresholds | None = None,
    device: str = "auto",
    backend: str = "auto",
    precision: str = "auto",
    imgsz: int | None = None,
) -> SSDDetector:
    """The detector in a .safetensors file of ours. Raises ModelError and UsageError."""
    return SSDDetector(
        load_weights(path),
        thresholds=thresholds,
        device=device,
        backend=backend,
        precision=precision,
        imgsz=imgsz,
    )
