"""The average of the weights over the last part of a training, which detects better than the last weights."""

from __future__ import annotations

import copy
import math

import torch

from rtdet.detectors.family.network import TrainableNetwork


class Ema:
    """The exponential moving average of a model's weights, which is what gets measured and saved.

    warmup: updates over which its memory grows to that of `decay`, so that a random start is forgotten.
    """

    def __init__(self, model: TrainableNetwork, decay: float, warmup: float = 1000.0) -> None:
        self.model: TrainableNetwork = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay, self.warmup, self.updates = decay, warmup, 0

    @torch.no_grad()
    def update(self, model: TrainableNetwork) -> None:
        self.updates += 1
        decay = self.decay * (1 - math.exp(-self.updates / self.warmup))
        for mean, now in zip(self.model.state_dict().values(), model.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(now, 1 - decay)
            else:
                mean.copy_(now)
