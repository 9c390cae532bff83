"""Our SSDs as Detectors: `family.detector` does the most; priors and the box coder are SSD's own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rtdet.backends.network import Outputs
from rtdet.detectors.family.detector import NetworkDetector
from rtdet.detectors.ssd.postprocess import postprocess, visible_names
from rtdet.detectors.ssd.priors import PriorLevel, make_priors
from rtdet.geometry.letterbox import Letterbox
from rtdet.types import Detections, FloatArray


class SSDDetector(NetworkDetector):
    """Runs one SSD, by its .safetensors file or as an SSDModule."""

    def _visible_names(self) -> Sequence[str]:
        return visible_names(self._config.class_names)

    def _found(self, outputs: Outputs, size: tuple[int, int], back: Letterbox) -> Detections:
        offsets, logits = outputs
        config = self._config
        return postprocess(
            offsets[0],
            logits[0],
            priors_of(config.levels, size),
            back,
            self.thresholds,
            config.class_names,
            background=config.background,
        )


@lru_cache(maxsize=8)
def priors_of(levels: tuple[PriorLevel, ...], size: tuple[int, int]) -> FloatArray:
    """(P, 4) cxcywh in pixels of an input of `size` (width, height). Not to be written to."""
    priors = make_priors(levels, size)
    priors.setflags(write=False)  # shared between detectors
    return priors
