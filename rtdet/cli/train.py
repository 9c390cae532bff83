"""`rtdet train`: trains a detector on labelled pictures, from scratch or from a trained model, or a classifier."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from rtdet.cli import options
from rtdet.cli.console import interrupts, show_messages
from rtdet.cli.options import CONTEXT
from rtdet.errors import UsageError
from rtdet.extras import require
from rtdet.terminal import say
from rtdet.training.settings import TrainingSettings, settings_of

if TYPE_CHECKING:
    from rtdet.detectors.family.truth import Losses
    from rtdet.training.classify import ClassifierTraining, TrainedClassifier
    from rtdet.training.engine import Trainer
    from rtdet.training.run import Trained, Training


class TrainCommand(click.Command):
    """A command whose help ends with the names that --model and --backbone take."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from rtdet.detectors.classifier.names import OWN_TRUNKS
        from rtdet.detectors.family.registry import trainable

        with formatter.section("Names to train from scratch"):
            formatter.write_dl([(name, entry.description) for name, entry in trainable().items()])
        with formatter.section("Backbones of their own, to pretrain"):
            formatter.write_dl(list(OWN_TRUNKS.items()))


@click.command(cls=TrainCommand, context_settings={**CONTEXT, "max_content_width": 100})
@click.option(
    "--task", default=TrainingSettings.task, show_default=True, metavar="TASK",
    help="detect; or classify, to pretrain a backbone on whole pictures in class folders.",
)  # fmt: skip
@click.option(
    "--data", metavar="DIR",
    help="Labelled pictures: COCO, VOC, YOLO, Open Images, CVAT, labelme, ...; to classify: "
    "DIR/train/CLASS/*.jpg and DIR/val/CLASS/*.jpg, or DIR/CLASS/*.jpg.",
)  # fmt: skip
@click.option(
    "--out", required=True, metavar="DIR", help="Folder for the model, its card, checkpoints, log and curves."
)
@click.option(
    "--model", default=TrainingSettings.model, show_default=True, metavar="NAME|FILE",
    help="A name below, from scratch; rtdet-n or a .safetensors to fine-tune.",
)  # fmt: skip
@click.option(
    "--backbone", metavar="NAME|FILE",
    help="Another backbone, e.g. resnet18 or ghostnet_100, for the names that have a choice; or a .safetensors of a "
    "classifier (or detector), to start on its backbone. To classify: the backbone to train, or the name of a model "
    "that has it, e.g. csp-n.",
)  # fmt: skip
@click.option(
    "--set", "network", multiple=True, metavar="KEY=VALUE",
    help="Another value for a setting of the network, e.g. mish=false for yolov4; repeatable.",
)  # fmt: skip
@options.classes("Classes to train.  [default: those of the labels]")
@click.option(
    "--val",
    metavar="DIR",
    help="Labelled pictures to measure AP (or top-1) on.  [default: a tenth of the data]",
)
@click.option(
    "--teacher", metavar="DETS.json", help="Detections from `rtdet detect` that fill in missing labels."
)
@click.option(
    "--demo-frames",
    type=int,
    default=TrainingSettings.demo_frames,
    metavar="N",
    help="Train on N rendered frames of the demo as well.",
)
@click.option(
    "--steps", type=int, metavar="N", help="Optimiser steps.  [default: depends on the number of pictures]"
)
@click.option("--epochs", type=float, metavar="N", help="Instead of --steps: how often each picture is seen.")
@click.option(
    "--minutes", type=float, metavar="M", help="Instead of --steps: as many steps as fit into M minutes."
)
@click.option(
    "--batch", type=int, default=TrainingSettings.batch, show_default=True, help="Pictures in a step."
)
@click.option("--lr", type=float, help="Learning rate.  [default: depends on the model]")
@click.option(
    "--freeze", type=int, metavar="STRIDE",
    help="In fine-tuning, or on a pretrained backbone, freeze the stem and the first stages up to this stride: 4, 8 "
    "or 16.",
)  # fmt: skip
@click.option(
    "--ema", type=float, metavar="D",
    help="Decay per step of the weights' moving average.  [default: .98 to fine-tune, .9995 from scratch]",
)  # fmt: skip
@click.option(
    "--size", type=int,
    help="Side of the training input, and then the model's --imgsz.  [default: the model's own, else 320 and, to "
    "run, 416; to classify: 224]",
)  # fmt: skip
@click.option(
    "--augment", default=TrainingSettings.augment, show_default=True, metavar="NAME",
    help="Augmentation: full; yolo (mosaic and CutMix, as in YOLOv4); ssd (as in the SSD paper); none. To classify: "
    "full, none.",
)  # fmt: skip
@click.option(
    "--balance", type=float, default=TrainingSettings.balance, show_default=True, metavar="SHARE",
    help="Show pictures of a class more often if less than this share of all pictures has it; 0: never.",
)  # fmt: skip
@options.precision()
@options.device("auto, cpu, cuda or cuda:N.")
@click.option("--seed", type=int, default=TrainingSettings.seed, show_default=True)
@click.option(
    "--save-every",
    type=float,
    default=TrainingSettings.save_every,
    show_default=True,
    metavar="S",
    help="Seconds between checkpoints.",
)
@options.allow_loss()
@click.option("--resume", is_flag=True, help="Continue from the last checkpoint in --out, with its settings.")
@click.pass_context
def command(ctx: click.Context, /, out: str, resume: bool, **settings: Any) -> None:
    """Train a detector on labelled pictures; OUT/model.safetensors opens with `rtdet --model`.

    It holds the weights with the best AP50 measured during training (in fine-tuning, those of the start are measured
    too); last.safetensors holds the weights of the last step.

    A backbone can be pretrained on pictures that only have a class, and is then the start of a detector:
    rtdet train --task classify --backbone csp-n --data DIR --out classifier (measured by `rtdet eval classify`), then
    rtdet train --model csp-n --backbone classifier/model.safetensors --data ...

    To continue a training that was interrupted, or to train for more steps: rtdet train --out DIR --resume
    [--steps N]. All settings that are not given again stay as they were.
    """
    require("train", "rtdet train")
    show_messages()
    given = {
        name: value
        for name, value in settings.items()
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    }
    if not resume and settings["data"] is None:
        raise UsageError("--data is missing: a folder of labelled pictures, or of class folders to classify")
    asked = settings_of(out, **given) if resume else TrainingSettings(**settings)
    # Importing torch takes seconds, so it comes after the errors that can be reported at once.
    from rtdet.training.api import begin_task

    training = begin_task(asked, out, resume=resume)
    if training.note:
        say(training.note, err=True)
    _fit(training)
    trained = training.finish()
    if asked.task == "classify":
        _tell_classifier(trained)  # type: ignore[arg-type]
    else:
        _tell(trained)  # type: ignore[arg-type]


def _fit(training: Training | ClassifierTraining) -> None:
    """Trains, with a progress bar; Ctrl-C and SIGTERM end it after a step, with a checkpoint."""
    from rtdet.cli.training_bar import bar

    with bar(training.trainer) as (show, say), interrupts() as received:

        def after_step(now: Trainer, losses: Losses) -> None:
            show(now, losses)
            # Only between two steps is a checkpoint complete: a training resumed from it goes on exactly as before.
            if received:
                now.save()
                say(f"stopped and saved after step {now.step}; --resume continues from there")
                raise KeyboardInterrupt

        training.fit(after_step)


def _tell(trained: Trained) -> None:
    from rtdet.detectors.family.detector import long_side_of
    from rtdet.detectors.family.weights import read_config

    mean, best, folder = trained.scores.mean, trained.best, trained.model.parent
    say(f"AP50 {mean.ap50:.3f}, AP {mean.ap:.3f}")
    if trained.confidence is not None:
        c = trained.confidence
        say(f"at confidence {c.score:.2f}: precision {c.precision:.2f}, recall {c.recall:.2f}")
    # As it is printed: a few chance hits are nothing either.
    has_learnt = not mean.ap50 < 0.0005
    if not has_learnt:
        say(
            f"it has learnt nothing yet: at step {trained.steps} its boxes fit no object. Look at whether the "
            f"labels fit the pictures (rtdet data check, {folder / 'what-the-network-sees.png'}); then train on "
            f"(rtdet train --out {folder} --resume --steps N: from scratch it takes hundreds at least), or start "
            "from a model that knows something (--model rtdet-n)"
        )
    elif math.isfinite(best.ap50) and best.step == 0:
        say(
            f"no step was better than the start (AP50 {best.ap50:.3f}; after the last step {trained.last.ap50:.3f}), "
            "so model.safetensors holds the start's weights; last.safetensors holds those of the last step"
        )
    _tell_file(trained, is_best=has_learnt)
    config = read_config(trained.model)
    if config.input_size is None:
        say(f"it runs at {long_side_of(config)} pixels on the longer side, or at those of --imgsz")


def _tell_classifier(trained: TrainedClassifier) -> None:
    from rtdet.evaluation.report.classification import summary, worst_pairs

    say(summary(trained.scores))
    for line in worst_pairs(trained.scores, most=3):
        say(line)
    _tell_file(trained)


def _tell_file(trained: Trained | TrainedClassifier, *, is_best: bool = True) -> None:
    step = trained.best.step
    chosen = f" of step {step} of {trained.steps}" if 0 < step < trained.steps else ""
    chosen += ", the best measured," if chosen and is_best else ""
    say(f"wrote {trained.model}{chosen} and its card")
