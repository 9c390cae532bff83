"""`rtdet train`: the first trainer, for our SSD on COCO-labelled pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from rtdet.datasets import Sample
    from rtdet.training.augment import Labelled
    from rtdet.training.engine import Trainer

DEFAULT_CLASSES = "person,bicycle,car,motorcycle,bus,truck"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--data",
    required=True,
    metavar="DIR",
    help="Holds images/ and, beside it, DIR.json, train.json or annotations.json (COCO).",
)
@click.option("--out", required=True, metavar="DIR", help="For checkpoints, log.csv and model.safetensors.")
@click.option(
    "--model",
    default="ssd-n",
    show_default=True,
    metavar="NAME|FILE",
    help="ssd-n from scratch, or a .safetensors to go on from.",
)
@click.option("--classes", default=DEFAULT_CLASSES, show_default=True, metavar="A,B")
@click.option(
    "--teacher", metavar="DETS.json", help="Detections (`rtdet detect`) that complete missing labels."
)
@click.option(
    "--demo-frames", type=int, default=0, show_default=True, help="Also N rendered frames of the demo."
)
@click.option("--steps", type=int, default=20_000, show_default=True, help="Optimiser steps.")
@click.option("--minutes", type=float, help="End sooner than that, after this much time.")
@click.option("--batch", type=int, default=16, show_default=True)
@click.option("--lr", type=float, default=1.5e-3, show_default=True)
@click.option(
    "--size", type=int, default=320, show_default=True, help="Side of the training input, a multiple of 32."
)
@click.option("--val", metavar="DIR", help="Labelled pictures to calibrate the scores on, not trained on.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--device", default="auto", show_default=True)
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint in --out.")
def command(
    data: str, out: str, model: str, classes: str, teacher: str | None, demo_frames: int, steps: int,
    minutes: float | None, batch: int, lr: float, size: int, val: str | None, seed: int, device: str, resume: bool,
) -> None:  # fmt: skip
    """Train our SSD on labelled pictures; OUT/model.safetensors opens with `rtdet --model`."""
    import torch

    from rtdet.errors import UsageError
    from rtdet.training.engine import TrainConfig, Trainer

    if size < 64 or size % 32:
        raise UsageError(f"--size {size} is not a multiple of 32, at least 64")
    if batch < 1 or steps < 1:
        raise UsageError("--batch and --steps must be at least 1")
    names = tuple(name.strip() for name in classes.split(",") if name.strip())
    torch.manual_seed(seed)
    network = _network(model, names)
    config = TrainConfig(steps=steps, minutes=minutes, batch=batch, size=(size, size), lr=lr, seed=seed)
    trainer = Trainer(network, config, Path(out), _device(device))
    if resume:
        trainer.resume()
    elif (Path(out) / "last.pt").exists():
        raise UsageError(
            f"{out} holds a training already; add --resume to go on with it, or choose another --out"
        )
    pictures = _pictures(Path(data), names, teacher, demo_frames, size)
    _train(trainer, pictures)
    if val is not None:
        calibrate(Path(out) / "model.safetensors", Path(val), names)
    click.echo(f"wrote {Path(out) / 'model.safetensors'}")


def _network(model: str, names: tuple[str, ...]):  # type: ignore[no-untyped-def]
    from rtdet.detectors.ssd.config import SSDConfig
    from rtdet.detectors.ssd.network import SSD
    from rtdet.detectors.ssd.weights import load_weights
    from rtdet.errors import UnknownNameError, UsageError

    if model == "ssd-n":
        return SSD(SSDConfig(class_names=names))
    if not model.endswith(".safetensors"):
        raise UnknownNameError("model to train", model, ["ssd-n", "a .safetensors file of ours"])
    network = load_weights(Path(model))
    if network.config.class_names != names:
        raise UsageError(
            f"{model} knows {', '.join(network.config.class_names)}, not {', '.join(names)}; pass those as --classes"
        )
    return network


def _device(name: str) -> str:
    import torch

    from rtdet.errors import UsageError

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise UsageError("no CUDA device here; use --device cpu or auto")
    return name


def _pictures(
    folder: Path, names: tuple[str, ...], teacher: str | None, demo_frames: int, size: int
) -> list[Callable[[], Labelled]]:
    """Every picture decoded once and kept at the training's size, which fits in memory for tens of
    thousands and spares the two cores."""
    from rtdet.datasets import complete_labels, load_teacher
    from rtdet.errors import UsageError
    from rtdet.training.pictures import demo_pictures, keep_in_memory

    samples = _samples(folder, names)
    if teacher is not None:
        samples = complete_labels(samples, load_teacher(Path(teacher)), names)
    if samples and not demo_frames and all(sample.ignored.all() for sample in samples):
        raise UsageError(
            f"no picture in {folder} has an object of {', '.join(names)}; pass its own as --classes"
        )
    pictures = [keep_in_memory(sample, size) for sample in samples] + demo_pictures(demo_frames, names)
    if not pictures:
        raise UsageError(f"the labels in {folder} list no pictures")
    return pictures


def _samples(folder: Path, names: tuple[str, ...]) -> list[Sample]:
    from rtdet.datasets import load_coco
    from rtdet.errors import UsageError

    candidates = [folder / f"{folder.name}.json", folder / "train.json", folder / "annotations.json"]
    labels = next((path for path in candidates if path.is_file()), None)
    if labels is None:
        raise UsageError(f"no labels in {folder}: expected {' or '.join(path.name for path in candidates)}")
    return load_coco(labels, folder / "images", names)


def calibrate(weights: Path, folder: Path, names: tuple[str, ...]) -> None:
    """Rewrites the weights so that a detection's score is the share of such detections that are right.

    Only classes that a kind of picture labels count there: an unlabelled car is not a false alarm.
    """
    import numpy as np

    from rtdet.detectors.ssd.detector import SSDDetector
    from rtdet.detectors.ssd.weights import load_weights, save_weights
    from rtdet.training.calibration import fit_platt, fold_in, is_right
    from rtdet.types import Thresholds

    samples = _samples(folder, names)
    labelled: dict[str, set[int]] = {}
    for sample in samples:
        labelled.setdefault(sample.source, set()).update(sample.labels[~sample.ignored].tolist())
    detector = SSDDetector(weights, thresholds=Thresholds(0.05), device="cpu", precision="fp32")
    scores, right = [], []
    for sample in samples:
        (found,) = detector.detect([sample.read()])
        found = found[np.isin(found.labels, list(labelled[sample.source]))]
        scores.append(found.scores)
        right.append(is_right(found, sample))
    detector.close()
    scale, shift = fit_platt(np.concatenate(scores), np.concatenate(right))
    model = load_weights(weights)
    fold_in(model, scale, shift)
    save_weights(model, weights)
    click.echo(f"calibrated on {len(samples)} pictures: logit becomes {scale:.3f} * logit {shift:+.3f}")


def _train(trainer: Trainer, pictures: list[Callable[[], Labelled]]) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from rtdet.detectors.ssd.loss import LossParts

    columns = [
        TextColumn("step {task.fields[step]}"),
        BarColumn(),
        TextColumn("loss {task.fields[loss]:.3f}"),
        TimeRemainingColumn(),
    ]
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("train", total=1.0, step=trainer.step, loss=0.0)
        mean = 0.0

        def on_step(now: Trainer, parts: LossParts) -> None:
            nonlocal mean
            loss = float(parts.total.detach())
            mean = loss if not mean else 0.98 * mean + 0.02 * loss
            bar.update(task, completed=now.progress, step=now.step, loss=mean)

        begun = trainer.step
        try:
            trainer.fit(pictures, on_step)
        except KeyboardInterrupt:
            if trainer.step > begun:
                trainer.save()
                bar.console.print(f"stopped and saved after step {trainer.step}; --resume goes on from there")
            raise
