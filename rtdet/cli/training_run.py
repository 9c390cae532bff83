"""What `rtdet train` does, once its options are read."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rtdet.cli.console import interrupts, show_messages
from rtdet.cli.training_settings import Settings, check, keep_settings, read_settings
from rtdet.errors import UsageError

if TYPE_CHECKING:
    from rtdet.datasets import Dataset, Sample
    from rtdet.detectors.ssd.loss import LossParts
    from rtdet.detectors.ssd.module import SSDModule
    from rtdet.training.engine import TrainConfig, Trainer
    from rtdet.training.finish import Result
    from rtdet.training.labelled import Labelled
    from rtdet.training.pictures import Budget
    from rtdet.training.plan import Plan
    from rtdet.training.validation import Validation
    from rtdet.types import IntArray

# Pictures that AP is measured on while it trains; at the end it is all of them.
_MEASURED_MIDWAY = 200


def run(out: str, values: dict[str, Any], given: set[str], *, resume: bool) -> None:
    """Trains, and leaves a model, a card and all that led there in the folder `out`."""
    import cv2

    show_messages()
    folder = Path(out)
    settings = read_settings(folder, values, given, resume)
    check(settings)
    # Torch, which takes seconds, after what can be said at once.
    from rtdet.training.pictures import Budget
    from rtdet.training.validation import Validation

    # Small pictures: OpenCV's threads would only take the cores from torch's.
    cv2.setNumThreads(1)
    train, measured, note = _datasets(settings)
    trainer, plan = _trainer(settings, folder, train, resume)
    keep_settings(folder, settings)  # a resumed training may have others: the next one goes on from those
    budget, device = Budget(), str(trainer.device)
    validation = Validation(measured, device, most=_MEASURED_MIDWAY, budget=budget)
    if note:
        click.echo(note, err=True)
    _fit(trainer, settings, train, validation, budget)
    whole = Validation(measured, device, budget=budget)
    result = _finish(settings, folder, trainer, plan, train, whole, measured is not train)
    _tell(folder, result, trainer)


def _datasets(settings: Settings) -> tuple[Dataset, Dataset, str]:
    """(to train on, to measure on, what to say about it); the same one twice where nothing is held out."""
    from dataclasses import replace

    from rtdet.datasets import complete_labels, load_dataset, load_teacher
    from rtdet.training.plan import hold_out, objects

    names = None
    if settings.classes is not None:
        names = tuple(name.strip() for name in settings.classes.split(",") if name.strip())
    assert settings.data is not None
    dataset = load_dataset(Path(settings.data), names)
    if not dataset.samples and not settings.demo_frames:
        raise UsageError(f"the labels in {settings.data} list no pictures")
    if settings.teacher is not None:
        samples = complete_labels(dataset.samples, load_teacher(Path(settings.teacher)), dataset.class_names)
        dataset = replace(dataset, samples=samples)
    if not settings.demo_frames and not objects(dataset.samples):
        wanted = ", ".join(dataset.class_names) or "any class"
        raise UsageError(
            f"no picture in {settings.data} has an object of {wanted}; pass its own as --classes"
        )
    if settings.val is not None:
        measured = load_dataset(Path(settings.val), dataset.class_names)
        if not objects(measured.samples):
            known = ", ".join(dataset.class_names)
            raise UsageError(
                f"no picture in --val {settings.val} has an object of {known}: nothing can be measured"
            )
        return dataset, measured, ""
    if not dataset.samples:
        raise UsageError(f"{settings.data} lists no pictures to measure AP on; name some as --val")
    return hold_out(dataset, settings.seed)


def _trainer(settings: Settings, folder: Path, train: Dataset, resume: bool) -> tuple[Trainer, Plan]:
    import torch

    from rtdet.training.engine import Trainer
    from rtdet.training.plan import plan_for
    from rtdet.training.start import has_norms, open_start, takes_single_pictures

    torch.manual_seed(settings.seed)
    if resume:
        network, trained = _begun(folder, train.class_names)
        trained = trained or _is_trained(settings.model)
    else:
        network, trained = open_start(settings.model, train.class_names, settings.backbone, settings.size)
    if settings.freeze is not None and not trained:
        raise UsageError(
            f"--freeze keeps what was learnt; {settings.model} starts from scratch: leave it out"
        )
    pictures = len(train) + settings.demo_frames
    plan = plan_for(pictures, settings.batch, trained=trained, norms=has_norms(network))
    config = _config(settings, plan, network, pictures)
    if config.batch == 1 and not plan.folded and not takes_single_pictures(network, config.size):
        raise UsageError(
            f"--batch 1: a norm of {settings.model} would see one value at a time; use 2 or more"
        )
    trainer = Trainer(network, config, folder, _device(settings.device))
    if resume:
        trainer.resume()
    return trainer, plan


def _is_trained(model: str) -> bool:
    from rtdet.detectors.ssd.catalogue import ALIASES, TRAINABLE

    return ALIASES.get(model, model) not in TRAINABLE


def _begun(folder: Path, class_names: tuple[str, ...]) -> tuple[SSDModule, bool]:
    """A network of the shape that the checkpoint is for; the file that it started from may be gone."""
    from rtdet.detectors.ssd.architectures import build_network
    from rtdet.detectors.ssd.weights import read_config

    path = folder / "last.safetensors"
    if not path.is_file():
        raise UsageError(f"nothing to resume: {path} does not exist; leave --resume out")
    config = read_config(path)
    if config.class_names != class_names:
        raise UsageError(
            f"{path} knows {', '.join(config.class_names)}, not {', '.join(class_names)}; "
            "pass those as --classes, or leave --resume out"
        )
    return build_network(config), False


def _config(settings: Settings, plan: Plan, network: SSDModule, pictures: int) -> TrainConfig:
    from rtdet.training.engine import TrainConfig
    from rtdet.training.plan import steps_of

    size = network.config.input_size or (settings.size or 320,) * 2
    if settings.size is not None and size != (settings.size, settings.size):
        raise UsageError(
            f"--size {settings.size}: {settings.model} only takes {size[0]}x{size[1]}; leave --size out"
        )
    steps = settings.steps or plan.steps
    if settings.epochs is not None:
        steps = steps_of(settings.epochs, pictures, settings.batch)
    return TrainConfig(
        steps=steps,
        minutes=settings.minutes,
        batch=settings.batch,
        size=size,
        lr=settings.lr or plan.lr,
        backbone_lr=plan.backbone_lr,
        seed=settings.seed,
        augment=settings.augment,
        precision=settings.precision,
        folded=plan.folded,
        measure_start=plan.trained,
        freeze=settings.freeze,
        ema_decay=plan.ema_decay if settings.ema is None else settings.ema,
        ema_warmup=plan.ema_warmup,
        workers=_workers(),
        checkpoint_every_s=settings.save_every,
    )


def _workers() -> int:
    import os

    return max(1, min(8, (os.cpu_count() or 2) - 1))


def _device(name: str) -> str:
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.partition(":")[0] not in ("cpu", "cuda"):
        raise UsageError(f"--device {name}: use auto, cpu, cuda or cuda:N")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise UsageError("no CUDA device here; use --device cpu or auto")
    return name


def _fit(
    trainer: Trainer, settings: Settings, train: Dataset, validation: Validation, budget: Budget
) -> None:
    from rtdet.cli.training_bar import bar
    from rtdet.training.pictures import demo_pictures, open_pictures
    from rtdet.training.sampling import repeat_factors

    # Room to zoom in: the short side of the picture may fill the input.
    pictures = open_pictures(train.samples, max(trainer.config.size), budget)
    pictures += demo_pictures(settings.demo_frames, train.class_names)
    labels = [_learnt(sample) for sample in train.samples]
    labels += [_learnt(picture()) for picture in pictures[len(train.samples) :]]
    weights = repeat_factors(labels, settings.balance)
    with bar(trainer) as (show, say), interrupts() as received:

        def after_step(now: Trainer, parts: LossParts) -> None:
            show(now, parts)
            # Only here, between two steps, a checkpoint is one that a training goes on from as if nothing had been.
            if received:
                now.save()
                say(f"stopped and saved after step {now.step}; --resume goes on from there")
                raise KeyboardInterrupt

        trainer.fit(pictures, after_step, weights=weights, validate=validation)


def _learnt(picture: Sample | Labelled) -> IntArray:
    """Labels of what is rewarded when it is found."""
    return picture.labels[~picture.ignored]


def _finish(
    settings: Settings, folder: Path, trainer: Trainer, plan: Plan,
    train: Dataset, whole: Validation, held_out: bool,
) -> Result:  # fmt: skip
    from rtdet.detectors.ssd.detector import DEFAULT_INPUT
    from rtdet.training.finish import finish
    from rtdet.training.plan import objects

    device = trainer.device.type
    config = trainer.config
    measured_on = settings.val or ("a held-out tenth of it" if held_out else "the pictures it was trained on")
    network = trainer.model.config
    size = f"{config.size[0]}x{config.size[1]}"
    texts = {
        "description": f"{network.architecture} trained by `rtdet train`",
        "input": size if network.input_size else f"{DEFAULT_INPUT} on the longer side, the picture's aspect",
        "start": settings.model if plan.trained else f"{settings.model} from scratch",
        "data": f"{len(train)} pictures of {settings.data} with {objects(train.samples)} objects"
        + (f", and {settings.demo_frames} rendered frames" if settings.demo_frames else ""),
        "training": f"{trainer.step} steps of {config.batch} pictures at {size} in {trainer.elapsed_s / 60:.1f} "
        f"minutes on {device} in {trainer.precision}; augmentation {config.augment}, "
        f"learning rate {config.lr:g}, average of weights {config.ema_decay:g}, "
        + ("" if config.freeze is None else f"frozen up to stride {config.freeze}, ")
        + f"seed {config.seed}",
        "measured": f"COCO metrics in per cent on {len(whole.dataset)} pictures, {measured_on}",
    }
    return finish(folder, whole, texts, calibrate=held_out)


def _tell(folder: Path, result: Result, trainer: Trainer) -> None:
    mean = result.scores.mean
    click.echo(f"AP50 {mean.ap50:.3f}, AP {mean.ap:.3f}")
    if result.confidence is not None:
        c = result.confidence
        click.echo(f"at confidence {c.score:.2f}: precision {c.precision:.2f}, recall {c.recall:.2f}")
    best, last = trainer.best, trainer.score
    if math.isfinite(best.ap50) and best.step == 0:
        click.echo(
            f"no step was better than the start (AP50 {best.ap50:.3f}, the last step's {last.ap50:.3f}), so "
            "model.safetensors has the start's weights; last.safetensors has the last step's"
        )
    chosen = (
        f", of step {best.step} of {trainer.step}, the best measured," if 0 < best.step < trainer.step else ""
    )
    click.echo(f"wrote {folder / 'model.safetensors'}{chosen} and its card")
