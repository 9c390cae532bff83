"""The defaults of a training: how long, how fast, and what it is measured on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rtdet.datasets import Dataset, Sample

# Below this, holding pictures out costs more than their figure is worth.
_FEWEST_TO_HOLD_OUT = 50
_HELD_OUT, _MOST_HELD_OUT = 0.1, 500
# A pretrained backbone's learning rate, as a share of the rest's, which begins with nothing.
_PRETRAINED = 0.5


@dataclass(frozen=True)
class Plan:
    """steps: optimiser steps. lr: AdamW's. backbone_lr: as a share of lr. folded: norms folded away.
    trained: it starts from a network that has learnt already. ema_decay, ema_warmup: see `ema.Ema`."""

    steps: int
    lr: float
    backbone_lr: float = 1.0
    folded: bool = False
    trained: bool = False
    ema_decay: float = 0.9995
    ema_warmup: float = 1000.0


def plan_for(pictures: int, batch: int, *, trained: bool, norms: bool, pretrained: bool = False) -> Plan:
    """trained: the network has learnt something already, so a short and careful training does; with norms folded
    it is twice as quick on a CPU and a few pictures cannot upset the statistics. pretrained: only its backbone
    has."""
    if trained:
        steps = steps_of(40, pictures, batch, least=150, most=5000)
        # What it knows is not to be forgotten at once: hence the short warm-up of the average.
        return Plan(steps, 4e-5, 0.5, folded=norms, trained=True, ema_decay=0.98, ema_warmup=10.0)
    lr, share = 1.5e-3 if norms else 3e-4, _PRETRAINED if pretrained else 1.0
    return Plan(steps_of(300, pictures, batch, least=1000, most=20_000), lr, share)


def classifier_plan(pictures: int, batch: int, *, pretrained: bool, norms: bool) -> Plan:
    """ImageNet's usual 90 epochs (He et al. 2016, arXiv 1512.03385), more of few pictures."""
    steps = steps_of(90, pictures, batch, least=1000, most=100_000)
    return Plan(steps, 1.5e-3 if norms else 3e-4, _PRETRAINED if pretrained else 1.0)


def steps_of(epochs: float, pictures: int, batch: int, *, least: int = 1, most: int | None = None) -> int:
    steps = max(least, math.ceil(epochs * pictures / batch))
    return steps if most is None else min(steps, most)


def hold_out(dataset: Dataset, seed: int) -> tuple[Dataset, Dataset, str]:
    """(to train on, to measure on, what was done): a tenth is held out at random where there are enough pictures;
    of fewer, all are in both."""
    count = len(dataset)
    if count < _FEWEST_TO_HOLD_OUT:
        said = f"no --val and only {count} pictures: AP is measured on the training pictures"
        return dataset, dataset, said
    held = min(_MOST_HELD_OUT, round(_HELD_OUT * count))
    chosen = set(np.random.default_rng((seed, 0xA1D)).permutation(count)[:held].tolist())
    parts: tuple[list[Sample], list[Sample]] = ([], [])
    for i, sample in enumerate(dataset.samples):
        parts[i in chosen].append(sample)
    said = f"no --val: {held} of the {count} pictures are held out, to measure AP on"
    return replace(dataset, samples=parts[0]), replace(dataset, samples=parts[1]), said


def objects(samples: Sequence[Sample]) -> int:
    """Objects that can be learnt from."""
    return sum(int((~sample.ignored).sum()) for sample in samples)
