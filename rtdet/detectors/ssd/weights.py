"""An SSD in one safetensors file: `family.weights` for callers that want an SSD and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rtdet.detectors.family import weights
from rtdet.detectors.family.weights import save_weights as save_weights
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.errors import ModelError

if TYPE_CHECKING:
    from rtdet.detectors.ssd.module import SSDModule


def read_config(path: Path) -> SSDConfig:
    """The configuration in a file's header. Raises ModelError for files of another kind, or cut off."""
    config = weights.read_config(path)
    if not isinstance(config, SSDConfig):
        raise ModelError(f"{path} holds {config.architecture}, not an SSD of rtdet")
    return config


def load_weights(path: Path) -> SSDModule:
    """The model in evaluation mode, float32. Raises ModelError for files of another kind, or cut
    off, and ModelExtraError without torch."""
    from rtdet.detectors.ssd.module import SSDModule

    read_config(path)
    model = weights.load_weights(path)
    assert isinstance(model, SSDModule)
    return model
