"""Blends the weights of a network before and after fine-tuning.

A network fine-tuned on a narrow set of pictures forgets some of what it knew about all others. A blend of both sets
of weights keeps nearly all that was learnt and most of what would be forgotten (Wortsman et al. 2022, "Robust
fine-tuning of zero-shot models", arXiv 2109.01903). It costs nothing when the model runs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from rtdet.detectors.family.network import DetectionNetwork
from rtdet.training.folding import fold, unfold


def blend(
    start: DetectionNetwork, tuned: DetectionNetwork, share: float, kept: Sequence[str] = ()
) -> DetectionNetwork:
    """The network in evaluation whose weights are `(1 - share) * start + share * tuned`.

    Norms are folded into their convolutions first, as their statistics and weights only mean something
    together. kept: layers whose names contain one of these stay the start's. Raises ValueError for networks of
    two configurations or a share outside 0 to 1.
    """
    if start.config != tuned.config:
        raise ValueError("only weights of one configuration can be blended")
    if not 0 <= share <= 1:
        raise ValueError(f"a share of {share:g} is not between 0 and 1")
    blended, other = fold(start), fold(tuned).state_dict()
    with torch.no_grad():
        for name, value in blended.state_dict().items():
            if value.dtype.is_floating_point and not any(part in name for part in kept):
                value.lerp_(other[name].to(value), share)
    return unfold(blended)
