"""The training loop: one step after the other, with EMA, warm-up and cosine, checkpoints, a log and curves.

On a CPU a training that was killed and resumed ends with the same bytes as one that was not: what a step does
follows from the seed, the step's number and the state that checkpoints hold, and from no clock.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rtdet.detectors.family.network import TrainableNetwork
from rtdet.detectors.family.truth import Losses, Truth
from rtdet.detectors.family.weights import save_weights
from rtdet.errors import RtdetError
from rtdet.output_file import cannot_write
from rtdet.training.augment import Augment, Recipe, open_recipe
from rtdet.training.batches import Batch, Batches
from rtdet.training.checkpoint import (
    Score,
    check_freeze,
    load_checkpoint,
    save_checkpoint,
    say_changes,
    settle_on_best,
    use_threads,
)
from rtdet.training.config import TrainConfig
from rtdet.training.curves import draw_curves
from rtdet.training.ema import Ema
from rtdet.training.folding import fold, unfold
from rtdet.training.freezing import early_layers, freeze, hold
from rtdet.training.log import Log
from rtdet.training.optimizer import make_optimizer, set_learning_rate, warm_cosine, warm_steps
from rtdet.training.pictures import Picture
from rtdet.training.precision import PRECISIONS, choose_precision, spare_single_cells
from rtdet.training.sheet import write_sheet
from rtdet.types import FloatArray

_log = logging.getLogger("rtdet.training")

SHEET = "what-the-network-sees.png"
# Steps by whose speed `minutes` becomes a number of steps; the first ones, which are slower, are not counted.
_WARM, _MEASURED = 4, 20


class Trainer:
    """Trains one network. `fit` returns the averaged model; everything it writes goes to `folder`.

    extra_loss: (images (B, 3, H, W) BGR, one Truth for each, and each of the network's outputs) to a Tensor that is
    added to its own losses, as `Distillation`.
    """

    def __init__(
        self,
        model: TrainableNetwork,
        config: TrainConfig,
        folder: Path,
        device: str = "cpu",
        *,
        extra_loss: Callable[..., Tensor] | None = None,
    ) -> None:
        self.config, self.folder, self.device = config, folder, torch.device(device)
        self.precision = choose_precision(config.precision, self.device)
        torch.manual_seed(config.seed)
        self._frozen = frozenset() if config.freeze is None else early_layers(model, config.freeze)
        if config.folded:
            model = fold(model, self._frozen)
        freeze(model, self._frozen)
        self.model: TrainableNetwork = model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema = Ema(self.model, config.ema_decay, config.ema_warmup)
        if self.device.type == "cpu" and self.precision == "bf16":
            spare_single_cells(self.model)
        self.extra_loss = extra_loss
        self.optimizer = make_optimizer(
            self.model, config.lr, backbone_lr=config.backbone_lr, weight_decay=config.weight_decay
        )
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")
        self.step, self.elapsed_s = 0, 0.0
        self._drawn = -math.inf
        self.total_steps = config.steps if config.minutes is None else None
        self.best, self.score = Score(), Score()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(folder, error) from error

    @property
    def averaged(self) -> TrainableNetwork:
        """The averaged network as it will be used."""
        return unfold(self.ema.model, self._frozen) if self.config.folded else self.ema.model

    def fit(
        self,
        pictures: Sequence[Picture],
        on_step: Callable[[Trainer, Losses], None] = lambda trainer, losses: None,
        *,
        weights: FloatArray | None = None,
        groups: Sequence[int] | None = None,
        validate: Callable[[Any], Score] | None = None,
        recipe: Recipe | None = None,
    ) -> TrainableNetwork:
        """pictures: see `pictures`. weights (N,): how often each is shown. groups (N,): pictures are mixed with those
        of their group. validate: measures a model. recipe: what makes the training pictures; None for that of the
        settings.

        Raises RtdetError for a loss that is not finite, naming the batch's pictures, of which it leaves a
        picture; UsageError when no picture can be decoded.
        """
        batches = self._batches(pictures, weights, groups, recipe or self._recipe())
        log = Log(self.folder / "log.csv", self.step, self.model.loss_names, self.model.score_names)
        try:
            if self.step == 0:
                self._write_sheet(batches)
            self._run(batches, log, on_step, validate)
            self.save()
            self._draw_curves()
        finally:
            batches.close()
            log.close()
        settle_on_best(self.folder, self.best, self.score)
        return self.averaged

    def _recipe(self) -> Recipe:
        config, network = self.config, self.model.config
        stretch = network.input_size is not None
        recipe: Recipe
        if isinstance(config.augment, str):
            recipe = open_recipe(config.augment, config.size, stretch=stretch)
        else:
            recipe = Augment(config.size, config.augment, stretch=stretch)
        if isinstance(recipe, Augment) and not self.model.mosaic:
            recipe.config = replace(recipe.config, mosaic=0)
        return recipe

    def _batches(
        self,
        pictures: Sequence[Picture],
        weights: FloatArray | None,
        groups: Sequence[int] | None,
        recipe: Recipe,
    ) -> Batches:
        config, network = self.config, self.model.config
        return Batches(
            pictures, recipe, batch=config.batch, classes=len(network.class_names), seed=config.seed,
            first_step=self.step, plain_from=self._plain_from(), weights=weights, groups=groups,
            workers=config.workers,
        )  # fmt: skip

    def _plain_from(self) -> int | None:
        if self.total_steps is None:
            return None
        return math.ceil(self.total_steps * (1 - self.config.plain_tail))

    def _write_sheet(self, batches: Batches, most: int = 16) -> None:
        examples = []
        for step in range(math.ceil(most / self.config.batch)):
            examples += batches.make(step).examples
        write_sheet(self.folder / SHEET, examples[:most], self.model.config.class_names)

    def _run(
        self,
        batches: Batches,
        log: Log,
        on_step: Callable[[Trainer, Losses], None],
        validate: Callable[[Any], Score] | None,
    ) -> None:
        saved = time.monotonic()
        speed: list[float] = []
        if validate is not None and self.config.measure_start and self.step == 0:
            row: dict[str, object] = {"step": 0}
            self._measure(validate, row)
            log.write(row)
        stream = iter(batches)
        while self.total_steps is None or self.step < self.total_steps:
            begun = time.monotonic()
            losses, row = self._step(next(stream))
            speed.append(time.monotonic() - begun)
            if self.total_steps is None and len(speed) == _WARM + _MEASURED:
                self._fix_steps(float(np.mean(speed[_WARM:])))
                batches.plain_from = self._plain_from()
                saved = -math.inf  # so that the number is in a checkpoint
            if validate is not None and self._is_due():
                self._measure(validate, row)
            log.write(row)
            self.elapsed_s += time.monotonic() - begun
            on_step(self, losses)
            if time.monotonic() - saved > self.config.checkpoint_every_s:
                self.save()
                saved = time.monotonic()

    def _fix_steps(self, seconds_a_step: float) -> None:
        assert self.config.minutes is not None
        steps = round((self.config.minutes * 60 - self.elapsed_s) / seconds_a_step)
        # Not fewer than are on their way already, with some left for the plain tail.
        self.total_steps = self.step + max(2 * (_WARM + _MEASURED), steps)
        _log.info("%g minutes are %d steps on this machine", self.config.minutes, self.total_steps)

    def _is_due(self) -> bool:
        """By the step's number, so that a resumed training measures at the same steps."""
        if not self.total_steps:
            return False
        every = max(1, self.total_steps // self.config.validate)
        return self.step == self.total_steps or (
            self.step % every == 0 and self.total_steps - self.step >= every
        )

    def _measure(self, validate: Callable[[Any], Score], row: dict[str, object]) -> None:
        measured = validate(self.averaged)
        # Plain floats: a checkpoint holds nothing else.
        self.score = Score(float(measured.first), float(measured.second), self.step)
        first, second = self.model.score_names
        row |= {first: f"{self.score.first:.6f}", second: f"{self.score.second:.6f}"}
        # AP decides where AP50 can rise no more. Of equals the later is taken, which saw more, but not for the start.
        now, before = (self.score.first, self.score.second), (self.best.first, self.best.second)
        if now > before or (now == before and self.best.step > 0):
            self.best = self.score
            self.save("best")

    def _step(self, batch: Batch) -> tuple[Losses, dict[str, object]]:
        """One step, and its row of the log."""
        config = self.config
        fall = warm_cosine if self.model.cosine else warm_steps
        lr = fall(config.lr, self.step, self.total_steps, config.warmup_steps)
        set_learning_rate(self.optimizer, lr)
        # Dropout and its like draw the same numbers in a resumed training.
        torch.manual_seed(config.seed * 1_000_003 + self.step)
        self.model.train()
        hold(self.model, self._frozen)
        images = batch.images.to(self.device, non_blocking=True).permute(0, 3, 1, 2).float()
        truths = [Truth(*(part.to(self.device) for part in truth)) for truth in batch.truths]
        kind = PRECISIONS[self.precision]
        with torch.autocast(self.device.type, kind, enabled=kind is not None):
            outputs = self.model(images)
        losses = self.model.criterion(outputs, truths, config.size)
        with torch.autocast(self.device.type, kind, enabled=kind is not None):
            extra = self.extra_loss(images, truths, *outputs) if self.extra_loss is not None else None
        total = losses.total if extra is None else losses.total + extra
        if not torch.isfinite(total):
            raise self._not_finite("loss", batch)
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(total).backward()  # type: ignore[no-untyped-call]
        self.scaler.unscale_(self.optimizer)
        size = nn.utils.clip_grad_norm_(self.model.parameters(), 10.0)
        # With fp16 a gradient may overflow: the scaler then skips the step and scales less.
        if not self.scaler.is_enabled() and not torch.isfinite(size):
            raise self._not_finite("gradient", batch)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.ema.update(self.model)
        self.step += 1
        values = {
            "loss": total,
            **{f"{name}_loss": part for name, part in losses.parts.items()},
            "gradient": size,
        }
        if extra is not None:
            values["extra_loss"] = extra
        row: dict[str, object] = {name: f"{float(value.detach()):.6g}" for name, value in values.items()}
        return losses, {**row, "step": self.step, "lr": f"{lr:.6g}", "positives": losses.positives}

    def _not_finite(self, what: str, batch: Batch) -> RtdetError:
        sheet = self.folder / "not-finite.png"
        write_sheet(sheet, batch.examples, self.model.config.class_names)
        return RtdetError(
            f"the {what} is not finite at step {self.step}, on {batch.names or 'pictures without names'}; look at "
            f"{sheet}, and if its labels are right, lower the learning rate (--lr)"
        )

    def save(self, name: str = "last") -> None:
        """`name`.pt to resume from and `name`.safetensors to detect with, and the curves so far."""
        # In this order: where there is a state to resume from, the network that it belongs to is there too.
        save_weights(self.averaged, self.folder / f"{name}.safetensors")
        save_checkpoint(self.state_dict(), self.folder / f"{name}.pt")
        self._draw_curves(least_s=10)

    def _draw_curves(self, least_s: float = 0) -> None:
        """Draws the curves, unless they were drawn less than that many seconds ago."""
        if time.monotonic() - self._drawn >= least_s:
            draw_curves(self.folder / "log.csv", self.folder / "curves.png")
            self._drawn = time.monotonic()

    def resume(self) -> None:
        """Continues from last.pt; raises UsageError when there is none, or it does not fit."""
        load_checkpoint(self.folder / "last.pt", self.device, self.load_state_dict)

    def state_dict(self) -> dict[str, Any]:
        """Everything that a training needs to resume as if it had not been interrupted."""
        return {
            "model": self.model.state_dict(),
            "ema": self.ema.model.state_dict(),
            "ema_updates": self.ema.updates,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "step": self.step,
            "total_steps": self.total_steps,
            "elapsed_s": self.elapsed_s,
            "best": asdict(self.best),
            "score": asdict(self.score),
            "threads": torch.get_num_threads(),
            "precision": self.precision,
            "config": json.dumps(asdict(self.config)),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from there. Torch gets as many threads as it had then: sums over other parts are rounded
        differently. Raises UsageError for other frozen layers, and for a state that is not of such a network
        whatever torch and Python raise."""
        before = json.loads(state["config"])
        check_freeze(self.config.freeze, before.get("freeze"))
        self.model.load_state_dict(state["model"])
        self.ema.model.load_state_dict(state["ema"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scaler.is_enabled() and state["scaler"]:
            self.scaler.load_state_dict(state["scaler"])
        self.ema.updates = int(state["ema_updates"])
        self.step, self.elapsed_s = int(state["step"]), float(state["elapsed_s"])
        # In their order: the fields had other names once.
        self.best, self.score = Score(*state["best"].values()), Score(*state["score"].values())
        if self.config.minutes is not None:
            kept = self.config.minutes == before["minutes"]
            self.total_steps = state["total_steps"] if kept else self._steps_in(self.config.minutes)
        use_threads(int(state["threads"]))
        say_changes(self.config, self.precision, before, state["precision"])

    def _steps_in(self, minutes: float) -> int | None:
        """The total number of steps of a training of so many minutes, by its speed so far."""
        if not self.step:
            return None
        left = (minutes * 60 - self.elapsed_s) * self.step / self.elapsed_s
        return self.step + max(0, round(left))
