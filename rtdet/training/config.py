"""The settings of the training loop."""

from __future__ import annotations

from dataclasses import dataclass

from rtdet.training.augment import AugmentConfig


@dataclass(frozen=True)
class TrainConfig:
    """steps: optimiser steps in all. minutes: instead as many steps as this machine, by its speed at the
    beginning, does in that time. size: input (width, height). backbone_lr: the backbone's learning rate as a
    share of `lr`. folded: train with norms folded into convolutions (see `folding`). augment: a name in
    augment.RECIPES, or settings. validate: how often AP is measured. precision: a name in `precision`. freeze:
    layers up to this stride stay as they are (see `freezing`)."""

    steps: int = 20_000
    minutes: float | None = None
    batch: int = 16
    size: tuple[int, int] = (320, 320)
    lr: float = 1.5e-3
    backbone_lr: float = 1.0
    weight_decay: float = 0.02
    warmup_steps: int = 300
    ema_decay: float = 0.9995
    ema_warmup: float = 1000.0
    seed: int = 0
    plain_tail: float = 0.15  # the last share of the training sees no mixed pictures
    checkpoint_every_s: float = 60.0
    augment: AugmentConfig | str = "full"
    validate: int = 10
    precision: str = "auto"
    folded: bool = False
    freeze: int | None = None
    measure_start: bool = False  # a trained network is a candidate for the best one
    workers: int = 2
