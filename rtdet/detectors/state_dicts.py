"""Weights into a network, with one line to say what does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rtdet.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor, nn


def fill(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Loads a state dict. Raises ModelError, without the name of the file, for weights that are missing,
    unknown or of another shape.

    Batch norms may lack their count of batches: published weights come from frozen ones, which count none,
    and what a network computes does not depend on it.
    """
    try:
        missing, unknown = model.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        raise ModelError(str(error).strip().splitlines()[-1].strip()) from error
    wrong = [name for name in missing if not name.endswith("num_batches_tracked")] + unknown
    if wrong:
        raise ModelError(f"{wrong[0]} is missing or unknown")
