"""The order of training pictures: each comes in every epoch, those with rare classes more often."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from rtdet.types import FloatArray, IntArray


def repeat_factors(labels: Sequence[IntArray], threshold: float) -> FloatArray:
    """(N,) how often each picture is to be shown in an epoch, from the labels (G,) in each.

    Repeat-factor sampling (Gupta et al. 2019, LVIS, arXiv 1908.03195, section 5.1): a class in a share f of the
    pictures has r = max(1, sqrt(threshold / f)), a picture the largest r of its classes. threshold 0: all 1.
    """
    factors = np.ones(len(labels))
    if not labels or threshold <= 0:
        return factors
    present = [np.unique(row[row >= 0]) for row in labels]
    count = np.bincount(np.concatenate(present).astype(np.int64)) if present else np.zeros(0)
    share = np.maximum(count, 1) / len(labels)
    rarity = np.maximum(1, np.sqrt(threshold / share))
    for i, row in enumerate(present):
        if len(row):
            factors[i] = rarity[row].max()
    return factors


class Order:
    """An endless order of pictures, a function of the seed alone.

    weights (N,): how often each is shown in an epoch. In each epoch a picture comes its weight, rounded up or
    down at random, times (systematic sampling), and the epoch is shuffled.
    """

    def __init__(self, weights: FloatArray, seed: int) -> None:
        self._ends = np.cumsum(weights)
        self._seed = seed
        self.epoch_length = max(1, round(float(self._ends[-1])))
        self._ends *= self.epoch_length / self._ends[-1]
        self._epoch = lru_cache(maxsize=4)(self._shuffled)

    def at(self, position: int) -> int:
        """The picture at a position, counted from the training's first."""
        epoch, place = divmod(position, self.epoch_length)
        return int(self._epoch(epoch)[place])

    def any(self, rng: np.random.Generator) -> int:
        """Some picture, by the weights."""
        return self._of(rng.random() * self.epoch_length)

    def _shuffled(self, epoch: int) -> IntArray:
        rng = np.random.default_rng((self._seed, 0x5EED, epoch))
        ticks = rng.random() + np.arange(self.epoch_length)
        rows = np.minimum(np.searchsorted(self._ends, ticks, side="right"), len(self._ends) - 1)
        return np.asarray(rng.permutation(rows), dtype=np.int64)

    def _of(self, tick: float) -> int:
        return min(int(np.searchsorted(self._ends, tick, side="right")), len(self._ends) - 1)
