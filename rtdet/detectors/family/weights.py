"""A network in one safetensors file: weights, in half precision, and its configuration in the header.

Reading the header needs no torch, whose import costs seconds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rtdet.backends.hostile_safetensors import refuse_long_header
from rtdet.backends.placeholders import refuse_placeholder
from rtdet.detectors.classifier.config import ClassifierConfig
from rtdet.detectors.family.config import NetworkConfig
from rtdet.detectors.family.registry import FAMILIES, build, config_class
from rtdet.detectors.state_dicts import fill
from rtdet.errors import ModelError, RtdetError
from rtdet.extras import require_for_model
from rtdet.output_file import write_whole

if TYPE_CHECKING:
    from torch import Tensor

    from rtdet.detectors.family.network import DetectionNetwork, TrainableNetwork

_N = TypeVar("_N", bound="TrainableNetwork")

# Files of SSDs have said so since before there were other families.
SSD_FORMAT, FORMAT = "rtdet-ssd-1", "rtdet-family-1"
CLASSIFIER_FORMAT = "rtdet-classifier-1"


def header_of(config: NetworkConfig) -> dict[str, str]:
    """What a file says of the network in it: a file of weights in its header, an exported graph in its metadata."""
    text = json.dumps(config.as_dict(), sort_keys=True)
    if config.family == "ssd":
        return {"format": SSD_FORMAT, "config": text}
    if config.family == "classifier":
        return {"format": CLASSIFIER_FORMAT, "config": text}
    return {"format": FORMAT, "family": config.family, "config": text}


def config_of(header: Mapping[str, str], path: Path) -> NetworkConfig:
    """The configuration that a header tells. Raises ModelError, in one line, for a header of other files, and for a
    family or a setting that is unknown."""
    kind = header.get("format")
    if kind == CLASSIFIER_FORMAT:
        raise ModelError(
            f"{path} holds a classifier, not a detector: measure it with `rtdet eval classify`, or train a detector "
            "on its backbone with `rtdet train --backbone`"
        )
    if kind not in (SSD_FORMAT, FORMAT):
        raise ModelError(
            f"{path} holds other weights, not a network of rtdet; choose one that `rtdet train` wrote"
        )
    family = "ssd" if kind == SSD_FORMAT else header.get("family", "")
    if family not in FAMILIES:
        raise ModelError(
            f"{path} holds a network of the family {family!r:.40}, which this version of rtdet does not know; "
            f"it knows {', '.join(FAMILIES)}"
        )
    try:
        config: NetworkConfig = config_class(family).from_dict(json.loads(header["config"]))
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise ModelError(f"{path} is damaged: its configuration cannot be read ({error})") from error
    return config


def classifier_config_of(header: Mapping[str, str], path: Path) -> ClassifierConfig:
    """As `config_of`, of a classifier's header. Raises ModelError for one that is none."""
    if header.get("format") != CLASSIFIER_FORMAT:
        raise ModelError(
            f"{path} is not a classifier; choose one that `rtdet train --task classify` wrote"
            + (": this is a detector" if header.get("format", "").startswith("rtdet-") else "")
        )
    try:
        return ClassifierConfig.from_dict(json.loads(header["config"]))
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise ModelError(f"{path} is damaged: its configuration cannot be read ({error})") from error


def save_weights(model: TrainableNetwork, path: Path) -> None:
    """Replaces the file in one step, so that a kill never leaves half of one. Raises OutputError."""
    from safetensors.torch import save

    tensors = {
        # Norms, biases and scales are few, and their variances can be too small for half precision.
        name: (value.half() if value.dtype.is_floating_point and value.ndim > 1 else value).contiguous().cpu()
        for name, value in model.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    # Not safetensors' save_file, whose files are readable by nobody else, whatever the umask.
    write_whole(path, _with_sorted_header(save(tensors, metadata=header_of(model.config))))


def _with_sorted_header(content: bytes) -> bytes:
    """safetensors writes the metadata in random order: sorted, so that equal weights are equal files."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[end:]


def read_header(path: Path) -> dict[str, str]:
    """What a safetensors file says of itself. Raises ModelError for files of another kind, or cut off."""
    with _opened(path, "numpy") as file:
        return dict(file.metadata() or {})


def count_parameters(path: Path) -> int:
    """How many numbers of a safetensors file were learnt: all but the statistics of norms. Without torch."""
    with _opened(path, "numpy") as file:
        names = [name for name in file.keys() if not name.endswith(("running_mean", "running_var"))]  # noqa: SIM118
        return sum(math.prod(file.get_slice(name).get_shape()) for name in names)


def read_config(path: Path) -> NetworkConfig:
    """The configuration in a file's header. Raises ModelError for files of another kind, or cut off."""
    return config_of(read_header(path), path)


def load_weights(path: Path) -> DetectionNetwork:
    """The network in evaluation mode, float32. Raises ModelError for files of another kind, or cut
    off, and ModelExtraError without torch."""
    config = read_config(path)
    return fill_from(path, lambda: build(config))


def fill_from(path: Path, make: Callable[[], _N]) -> _N:
    """The network that `make` makes with the weights of a file. Raises as `load_weights` does."""
    require_for_model("torch", f"opening {path}", "torch")
    with _opened(path, "pt") as file:
        tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    _refuse_others(path, make, tensors)
    model = make()
    fill(model, tensors)
    if not all(value.isfinite().all() for value in tensors.values()):
        raise ModelError(f"{path} is damaged: it has weights that are not finite")
    return model.eval()


def _refuse_others(path: Path, make: Callable[[], TrainableNetwork], tensors: Mapping[str, Tensor]) -> None:
    """Raises ModelError where the configuration is that of no network, or of another than the weights are of: found
    out without memory for it, of which a small file might ask for any amount."""
    import torch

    try:
        with torch.device("meta"):
            model = make()
    except RtdetError:
        raise
    except Exception as error:  # whatever a layer says of numbers that it cannot have
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelError(
            f"{path} is damaged: its configuration is that of no network ({reason:.100})"
        ) from error
    try:
        with torch.device("meta"):  # where norms that lack their count of batches make one
            fill(model, {name: value.to("meta") for name, value in tensors.items()})
    except ModelError as error:
        raise ModelError(f"{path} is damaged: {error}") from error


@contextmanager
def _opened(path: Path, framework: str) -> Iterator[Any]:
    from safetensors import SafetensorError, safe_open

    refuse_placeholder(path)
    refuse_long_header(path)
    try:
        with safe_open(path, framework=framework) as file:
            yield file
    except FileNotFoundError:
        raise ModelError(f"there is no model file {path}") from None
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is not a complete safetensors file: {error}") from error
