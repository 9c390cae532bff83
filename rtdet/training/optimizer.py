"""AdamW, and its learning rate over a training: warm-up, then a cosine (Loshchilov and Hutter, arXiv 1608.03983,
1711.05101)."""

from __future__ import annotations

import math

import torch
from torch import nn


def make_optimizer(
    model: nn.Module, lr: float, *, backbone_lr: float, weight_decay: float
) -> torch.optim.Optimizer:
    """AdamW over what is not frozen; norms and biases are not decayed. backbone_lr: as a share of `lr`."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        share = backbone_lr if name.startswith("backbone.") else 1.0
        decay = weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((share, decay), []).append(parameter)
    return torch.optim.AdamW(
        [{"params": p, "weight_decay": decay, "share": share} for (share, decay), p in groups.items()],
        lr=lr,
        betas=(0.9, 0.99),
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Each group gets its share of it."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group["share"]


def warm_steps(lr: float, step: int, total_steps: int | None, warmup_steps: int) -> float:
    """The learning rate of a step that falls to a tenth after four fifths of the training and to a hundredth
    after nine tenths, as Darknet's does; else as `warm_cosine`."""
    fall = 1.0
    if total_steps is not None:
        warmup_steps = max(1, min(warmup_steps, total_steps // 5))
        fall = 0.1 ** ((step >= 0.8 * total_steps) + (step >= 0.9 * total_steps))
    return lr * min(1.0, (step + 1) / warmup_steps) * fall


def warm_cosine(lr: float, step: int, total_steps: int | None, warmup_steps: int) -> float:
    """The learning rate of a step, which falls to a hundredth of `lr`. The warm-up takes a fifth of the training at
    most. total_steps None, while it is not known: no fall yet."""
    done = 0.0
    if total_steps is not None:
        warmup_steps = max(1, min(warmup_steps, total_steps // 5))
        done = min(1.0, step / total_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * done))
    return lr * min(1.0, (step + 1) / warmup_steps) * max(cosine, 0.01)
