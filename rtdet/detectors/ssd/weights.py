"""An SSD in one safetensors file: half-precision weights, and its configuration in the header."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from rtdet.detectors.ssd.network import SSD, SSDConfig
from rtdet.errors import ModelError

FORMAT = "rtdet-ssd-1"


def save_weights(model: SSD, path: Path) -> None:
    """Writes the file beside itself first, so that a kill never leaves half of one."""
    tensors = {
        name: (value.half() if value.dtype.is_floating_point else value).contiguous().cpu()
        for name, value in model.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    temporary = path.with_name(path.name + ".part")
    header = {"format": FORMAT, "config": json.dumps(model.config.as_dict(), sort_keys=True)}
    save_file(tensors, temporary, metadata=header)
    temporary.replace(path)


def load_weights(path: Path) -> SSD:
    """The model in evaluation mode, float32. Raises ModelError for files of another kind, or cut off."""
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise ModelError(f"no such model file: {path}") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{path} is not a complete safetensors file: {error}") from error
    if header.get("format") != FORMAT:
        raise ModelError(
            f"{path} holds other weights, not an SSD of rtdet; choose one that `rtdet train` wrote"
        )
    try:
        model = SSD(SSDConfig.from_dict(json.loads(header["config"])))
        missing, unexpected = model.load_state_dict(
            {name: value.float() for name, value in tensors.items()}, strict=False
        )
    except (KeyError, TypeError, ValueError, RuntimeError, AssertionError) as error:
        raise ModelError(f"{path} is damaged: {str(error).splitlines()[0]}") from error
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise ModelError(f"{path} is damaged: weights missing or unknown: {(missing + unexpected)[0]}")
    if not all(torch.isfinite(value).all() for value in tensors.values()):
        raise ModelError(f"{path} is damaged: weights that are not finite")
    return model.eval()
