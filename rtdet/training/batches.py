"""Batches of augmented pictures, made ahead by threads; their content does not depend on the threads' timing."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rtdet.detectors.family.truth import MAX_OBJECTS, Truth
from rtdet.errors import UsageError
from rtdet.training.augment import Labeled, Recipe
from rtdet.training.pictures import Picture
from rtdet.training.sampling import Order
from rtdet.types import FloatArray

_log = logging.getLogger("rtdet.training")

# Of a mosaic of pictures with 10,000 boxes: the loss makes a table of priors times regions.
MAX_IGNORED = 1000


@dataclass(frozen=True, eq=False)
class Batch:
    """images (B, H, W, 3) uint8 BGR, a Truth for each, and the pictures that they were made from."""

    images: Tensor
    truths: list[Truth]
    examples: list[Labeled]

    @property
    def names(self) -> str:
        """The files in it, for a message."""
        return ", ".join(dict.fromkeys(example.name for example in self.examples if example.name))


class Batches:
    """Endless batches from `first_step` on.

    Every random choice follows from (seed, step, index in the batch): not from the threads, nor from what was
    consumed when. `plain_from`: the step from which no pictures are mixed; None while it is not known, and to be
    set well before it comes. A picture that cannot be decoded is named once and the next one takes its
    place; UsageError when none can. groups: one for each picture; pictures are mixed with those of their group only.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        recipe: Recipe,
        *,
        batch: int,
        classes: int,
        seed: int = 0,
        first_step: int = 0,
        plain_from: int | None = None,
        weights: FloatArray | None = None,
        groups: Sequence[int] | None = None,
        workers: int = 2,
    ) -> None:
        if not pictures:
            raise UsageError("there are no pictures to train on")
        self._pictures, self._recipe = pictures, recipe
        self._batch, self._classes, self._seed = batch, classes, seed
        self._groups = groups
        self._order = Order(np.ones(len(pictures)) if weights is None else weights, seed)
        self._broken: set[int] = set()
        self._lock = threading.Lock()
        self.plain_from = plain_from
        self._step = first_step
        self.ahead = workers + 1
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="rtdet-batches")
        self._waiting: deque[Future[Batch]] = deque()

    def __iter__(self) -> Iterator[Batch]:
        while True:
            while len(self._waiting) < self.ahead:
                self._waiting.append(self._pool.submit(self.make, self._step))
                self._step += 1
            yield self._waiting.popleft().result()

    def make(self, step: int) -> Batch:
        """The batch of one step."""
        plain = self.plain_from is not None and step >= self.plain_from
        examples = [self._example(step, index, plain) for index in range(self._batch)]
        images = torch.from_numpy(np.stack([example.image for example in examples]))
        return Batch(images, [truth_of(example, self._classes) for example in examples], examples)

    def _example(self, step: int, index: int, plain: bool) -> Labeled:
        rng = np.random.default_rng((self._seed, step, index))
        place = self._order.at(step * self._batch + index)
        return self._recipe.make(
            self._picture(place), lambda: self._picture(self._like(place, rng)), rng, plain=plain
        )

    def _like(self, place: int, rng: np.random.Generator) -> int:
        """Any picture of the group."""
        while True:
            other = self._order.any(rng)
            if self._groups is None or self._groups[other] == self._groups[place]:
                return other

    def _picture(self, wanted: int) -> Labeled:
        count = len(self._pictures)
        for i in range(count):
            index = (wanted + i) % count
            if index in self._broken:
                continue
            try:
                return self._pictures[index]()
            except UsageError as error:
                with self._lock:
                    known = index in self._broken
                    self._broken.add(index)
                if not known:
                    _log.warning("left out: %s", error)
        raise UsageError(f"none of the {count} pictures can be decoded, so there is nothing to train on")

    def close(self) -> None:
        """Waits for batches in the making; those not begun are dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def truth_of(example: Labeled, classes: int) -> Truth:
    """What the loss is told about one picture."""
    by_size = np.argsort(-np.prod(example.boxes[:, 2:] - example.boxes[:, :2], axis=1), kind="stable")
    example = example.take(by_size)
    sure = np.flatnonzero(~example.ignored)
    unsure = np.sort(np.concatenate([np.flatnonzero(example.ignored), sure[MAX_OBJECTS:]]))[:MAX_IGNORED]
    sure = sure[:MAX_OBJECTS]
    incomplete = np.zeros(classes if example.incomplete else 0, dtype=bool)
    incomplete[sorted(example.incomplete)] = True
    return Truth(
        torch.from_numpy(example.boxes[sure]).float(),
        torch.from_numpy(example.labels[sure]),
        torch.from_numpy(example.boxes[unsure]).float(),
        torch.from_numpy(example.scores[sure]).float(),
        torch.from_numpy(incomplete),
    )
