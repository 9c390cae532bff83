"""The training loop: batches prepared in a thread, bf16 on the CPU or the GPU, EMA, warm-up and cosine."""

from __future__ import annotations

import copy
import csv
import math
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rtdet.detectors.ssd.loss import LossParts, QualityLoss, Truth
from rtdet.detectors.ssd.module import SSDModule
from rtdet.detectors.ssd.priors import make_priors
from rtdet.detectors.ssd.weights import save_weights
from rtdet.errors import RtdetError, UsageError
from rtdet.training.augment import Augment, AugmentConfig, Labelled


@dataclass(frozen=True)
class TrainConfig:
    """steps: optimiser steps in all. minutes: end sooner than that if this much time is up, with the
    learning rate following the clock. size: input (width, height)."""

    steps: int = 20_000
    minutes: float | None = None
    batch: int = 16
    size: tuple[int, int] = (320, 320)
    lr: float = 1.5e-3
    weight_decay: float = 0.02
    warmup_steps: int = 300
    ema_decay: float = 0.9995
    seed: int = 0
    plain_tail: float = 0.1  # the last share of the training sees no mosaics
    checkpoint_every_s: float = 240.0
    augment: AugmentConfig = field(default_factory=AugmentConfig)


class Batches:
    """Endless batches of augmented pictures, made ahead by one thread.

    The order of pictures and every random choice follow from the seed and the step alone.
    """

    def __init__(
        self, pictures: Sequence[Callable[[], Labelled]], config: TrainConfig, first_step: int = 0
    ) -> None:
        self._pictures, self._config, self._step = pictures, config, first_step
        self._augment = Augment(config.size, config.augment)
        self._queue: queue.Queue[tuple[Tensor, list[Truth]] | BaseException] = queue.Queue(4)
        self._stop = threading.Event()
        self.mosaics = True
        self._thread = threading.Thread(target=self._fill, name="rtdet-batches", daemon=True)
        self._thread.start()

    def _fill(self) -> None:
        try:
            while not self._stop.is_set():
                self._put(self._make(self._step))
                self._step += 1
        except BaseException as error:
            self._put(error)

    def _put(self, item: Any) -> None:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.2)
                return
            except queue.Full:
                continue

    def _make(self, step: int) -> tuple[Tensor, list[Truth]]:
        rng = np.random.default_rng((self._config.seed, step))
        examples = [self._example(rng) for _ in range(self._config.batch)]
        images = np.stack([example.image for example in examples])
        return torch.from_numpy(images), [_truth(example) for example in examples]

    def _example(self, rng: np.random.Generator) -> Labelled:
        if self.mosaics and rng.random() < self._augment.config.mosaic:
            picks = rng.integers(len(self._pictures), size=4)
            return self._augment.mosaic([self._pictures[i]() for i in picks], rng)
        return self._augment.single(self._pictures[int(rng.integers(len(self._pictures)))](), rng)

    def __iter__(self) -> Iterator[tuple[Tensor, list[Truth]]]:
        while True:
            item = self._queue.get()
            if isinstance(item, BaseException):
                raise item
            yield item

    def close(self) -> None:
        self._stop.set()
        self._thread.join(5)


def _truth(example: Labelled) -> Truth:
    sure = ~example.ignored
    return Truth(
        torch.from_numpy(example.boxes[sure]).float(),
        torch.from_numpy(example.labels[sure]),
        torch.from_numpy(example.boxes[~sure]).float(),
    )


class Ema:
    """The exponential moving average of the weights, which is what gets measured and saved."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay, self.updates = decay, 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        self.updates += 1
        # A short memory at first, so that the random start is forgotten.
        decay = self.decay * (1 - math.exp(-self.updates / 1000))
        for mean, now in zip(self.model.state_dict().values(), model.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(now, 1 - decay)
            else:
                mean.copy_(now)


class Trainer:
    """Trains one SSD. `fit` returns the averaged model; checkpoints and `log.csv` go to `folder`."""

    def __init__(self, model: SSDModule, config: TrainConfig, folder: Path, device: str = "cpu") -> None:
        self.config, self.folder, self.device = config, folder, torch.device(device)
        torch.manual_seed(config.seed)
        self.model = model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema = Ema(self.model, config.ema_decay)
        self.loss = QualityLoss()
        priors = make_priors(model.config.levels, config.size)
        self.priors = torch.from_numpy(priors).float().to(self.device)
        self.optimizer = self._optimizer()
        self.step, self.elapsed_s = 0, 0.0
        folder.mkdir(parents=True, exist_ok=True)

    def _optimizer(self) -> torch.optim.Optimizer:
        """AdamW; norms and biases are not decayed."""
        weights = [p for p in self.model.parameters() if p.ndim > 1]
        rest = [p for p in self.model.parameters() if p.ndim <= 1]
        groups = [
            {"params": weights, "weight_decay": self.config.weight_decay},
            {"params": rest, "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=self.config.lr, betas=(0.9, 0.99))

    @property
    def progress(self) -> float:
        """Share of the training that is done, by steps or by the clock, whichever is further."""
        done = self.step / self.config.steps
        if self.config.minutes is not None:
            done = max(done, self.elapsed_s / 60 / self.config.minutes)
        return min(1.0, done)

    def fit(
        self,
        pictures: Sequence[Callable[[], Labelled]],
        on_step: Callable[[Trainer, LossParts], None] = lambda trainer, parts: None,
    ) -> SSDModule:
        batches = Batches(pictures, self.config, self.step)
        saved = started = time.monotonic()
        before = self.elapsed_s
        log = (self.folder / "log.csv").open("a", newline="", encoding="utf-8")
        rows = csv.writer(log)
        if log.tell() == 0:
            rows.writerow(["step", "elapsed_s", "loss", "score_loss", "box_loss", "positives"])
        try:
            for images, truths in batches:
                batches.mosaics = self.progress < 1 - self.config.plain_tail
                parts = self._step(images, truths)
                self.elapsed_s = before + time.monotonic() - started
                values = [f"{float(v):.4f}" for v in (parts.total.detach(), parts.score, parts.box)]
                rows.writerow([self.step, f"{self.elapsed_s:.1f}", *values, parts.positives])
                on_step(self, parts)
                if self.progress >= 1:
                    break
                if time.monotonic() - saved > self.config.checkpoint_every_s:
                    log.flush()
                    self.save()
                    saved = time.monotonic()
            self.save()
        finally:
            batches.close()
            log.close()
        assert isinstance(self.ema.model, SSDModule)
        return self.ema.model

    def _step(self, images: Tensor, truths: list[Truth]) -> LossParts:
        self._set_learning_rate()
        self.model.train()
        batch = images.to(self.device).permute(0, 3, 1, 2).float()
        truths = [Truth(*(part.to(self.device) for part in truth)) for truth in truths]
        with torch.autocast(self.device.type, torch.bfloat16):
            offsets, logits = self.model(batch)
        parts = self.loss(offsets, logits, self.priors, truths)
        if not torch.isfinite(parts.total):
            raise RtdetError(f"the loss is not finite at step {self.step}; lower the learning rate (--lr)")
        self.optimizer.zero_grad(set_to_none=True)
        parts.total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), 10.0)
        self.optimizer.step()
        self.ema.update(self.model)
        self.step += 1
        return parts

    def _set_learning_rate(self) -> None:
        warm = min(1.0, (self.step + 1) / self.config.warmup_steps)
        cosine = 0.5 * (1 + math.cos(math.pi * self.progress))
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.lr * warm * max(cosine, 0.01)

    def save(self) -> None:
        """last.pt to resume from (replaced in one step, so that a kill leaves the old one) and
        model.safetensors to detect with."""
        state = {
            "model": self.model.state_dict(),
            "ema": self.ema.model.state_dict(),
            "ema_updates": self.ema.updates,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "elapsed_s": self.elapsed_s,
            "config": {**asdict(self.config), "size": list(self.config.size)},
        }
        temporary = self.folder / "last.pt.part"
        torch.save(state, temporary)
        temporary.replace(self.folder / "last.pt")
        assert isinstance(self.ema.model, SSDModule)
        save_weights(self.ema.model, self.folder / "model.safetensors")

    def resume(self) -> None:
        """Continues from last.pt; raises UsageError when there is none, or it does not fit."""
        path = self.folder / "last.pt"
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
            self.model.load_state_dict(state["model"])
            self.ema.model.load_state_dict(state["ema"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.ema.updates = int(state["ema_updates"])
            self.step, self.elapsed_s = int(state["step"]), float(state["elapsed_s"])
        except FileNotFoundError:
            raise UsageError(f"nothing to resume: {path} does not exist; leave --resume out") from None
        except (RuntimeError, KeyError, ValueError, TypeError, EOFError, UnpicklingError) as error:
            raise UsageError(
                f"{path} is damaged, or is of a training with other --classes or another --model; pass the same"
            ) from error
