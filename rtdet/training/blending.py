"""Blends the weights of a network before and after fine-tuning.

A network fine-tuned on a narrow set of pictures forgets some of what it knew about all others. A blend of both sets
of weights keeps nearly all that was learnt and most of what would be forgotten (Wortsman et al. 2022, "Robust
fine-tuning of zero-shot models", arXiv 2109.01903). It costs nothing when the model runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from rtdet.detectors.family.network import DetectionNetwork
from rtdet.training.folding import fold, unfold


def graft(whole: DetectionNetwork, tuned: DetectionNetwork) -> DetectionNetwork:
    """The network in evaluation that sees as `tuned` does and tells apart all the classes of `whole`, which knows
    more of them: the layers whose shape follows the number of classes are those of `whole`, all others of `tuned`.

    Scores are uncalibrated. It makes sense where `tuned` began as `whole` with fewer classes, and kept the branches
    that tell classes apart. Raises ValueError where nothing but the classes may differ and does.
    """
    if replace(tuned.config, class_names=whole.config.class_names) != whole.config:
        raise ValueError("only weights of configurations that differ in their classes can be joined")
    joined, other = fold(whole), fold(tuned).state_dict()
    with torch.no_grad():
        for name, value in joined.state_dict().items():
            if value.shape == other[name].shape:
                value.copy_(other[name])
    return unfold(joined)


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
