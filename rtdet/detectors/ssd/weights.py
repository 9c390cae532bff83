"""An SSD in one safetensors file: weights, in half precision, and its configuration in the header.

Reading the header needs no torch, whose import costs seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtdet.backends.placeholders import refuse_placeholder
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.state_dicts import fill
from rtdet.errors import ModelError
from rtdet.extras import require_for_model
from rtdet.output_file import write_whole

if TYPE_CHECKING:
    from rtdet.detectors.ssd.module import SSDModule

FORMAT = "rtdet-ssd-1"


def save_weights(model: SSDModule, path: Path) -> None:
    """Replaces the file in one step, so that a kill never leaves half of one. Raises OutputError."""
    from safetensors.torch import save

    tensors = {
        # Norms, biases and scales are few, and their variances can be too small for half precision.
        name: (value.half() if value.dtype.is_floating_point and value.ndim > 1 else value).contiguous().cpu()
        for name, value in model.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    header = {"format": FORMAT, "config": json.dumps(model.config.as_dict(), sort_keys=True)}
    # Not safetensors' save_file, whose files are readable by nobody else, whatever the umask.
    write_whole(path, _with_sorted_header(save(tensors, metadata=header)))


def _with_sorted_header(content: bytes) -> bytes:
    """safetensors writes the metadata in random order: sorted, so that equal weights are equal files."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[end:]


def read_config(path: Path) -> SSDConfig:
    """The configuration in a file's header. Raises ModelError for files of another kind, or cut off."""
    with _opened(path, "numpy") as file:
        return _config(file, path)


def load_weights(path: Path) -> SSDModule:
    """The model in evaluation mode, float32. Raises ModelError for files of another kind, or cut
    off, and ModelExtraError without torch."""
    config = read_config(path)
    require_for_model("torch", f"opening {path}", "torch")
    from rtdet.detectors.ssd.architectures import build_network

    with _opened(path, "pt") as file:
        tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    model = build_network(config)
    try:
        fill(model, tensors)
    except ModelError as error:
        raise ModelError(f"{path} is damaged: {error}") from error
    if not all(value.isfinite().all() for value in tensors.values()):
        raise ModelError(f"{path} is damaged: it has weights that are not finite")
    return model.eval()


@contextmanager
def _opened(path: Path, framework: str) -> Iterator[Any]:
    from safetensors import SafetensorError, safe_open

    refuse_placeholder(path)
    try:
        with safe_open(path, framework=framework) as file:
            yield file
    except FileNotFoundError:
        raise ModelError(f"there is no model file {path}") from None
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is not a complete safetensors file: {error}") from error


def _config(file: Any, path: Path) -> SSDConfig:
    header = file.metadata() or {}
    if header.get("format") != FORMAT:
        raise ModelError(
            f"{path} holds other weights, not an SSD of rtdet; choose one that `rtdet train` wrote"
        )
    try:
        return SSDConfig.from_dict(json.loads(header["config"]))
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise ModelError(f"{path} is damaged: its configuration cannot be read ({error})") from error
