"""The data sets of a training: read, completed by a teacher, and checked before anything takes its time."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from rtdet.datasets import Dataset, complete_labels, load_teacher
from rtdet.datasets.completion import Opinion
from rtdet.datasets.formats import dataset_of, read_labels
from rtdet.datasets.losses import say_losses
from rtdet.datasets.sizes import without_missing
from rtdet.errors import UnknownNameError, UsageError
from rtdet.training.plan import hold_out, objects
from rtdet.training.settings import TrainingSettings
from rtdet.types import class_called

_log = logging.getLogger("rtdet.training")


def open_datasets(settings: TrainingSettings) -> tuple[Dataset, Dataset, str]:
    """(to train on, to measure on, what to say about it); the same one twice where nothing is held out.

    What of the labels is lost is said. Raises UsageError where that is more than a tenth (unless `allow_loss`) and
    for labels that do not go together with the settings.
    """
    teacher = {} if settings.teacher is None else load_teacher(Path(settings.teacher))
    raw, wanted = without_missing(read_labels(Path(settings.data))), settings.classes
    if wanted is not None:
        wanted = _known_classes(wanted, [*raw.class_names, *_taught(settings, teacher)])
    dataset = dataset_of(raw, wanted)
    say_losses(dataset.losses, settings.data, allow=settings.allow_loss)
    if not dataset.samples and not settings.demo_frames:
        lost = sum(dataset.losses.left_out.values())
        why = f"none of the {lost} pictures can be read" if lost else "they list no pictures"
        raise UsageError(f"the labels in {settings.data} are of no use: {why}")
    if settings.teacher is not None:
        samples = complete_labels(dataset.samples, teacher, dataset.class_names)
        dataset = replace(dataset, samples=samples)
    if not settings.demo_frames and not objects(dataset.samples):
        looked_for = ", ".join(dataset.class_names) or "any class"
        raise UsageError(
            f"no picture in {settings.data} has an object of {looked_for}; pass classes that it has as --classes"
        )
    if not settings.demo_frames:
        _warn_of_absent(dataset)
    if settings.val is not None:
        measured = dataset_of(without_missing(read_labels(Path(settings.val))), dataset.class_names)
        say_losses(measured.losses, settings.val, allow=settings.allow_loss)
        if not objects(measured.samples):
            known = ", ".join(dataset.class_names)
            raise UsageError(
                f"no picture in --val {settings.val} has an object of {known}: nothing can be measured"
            )
        return dataset, measured, ""
    if not dataset.samples:
        raise UsageError(f"{settings.data} lists no pictures to measure AP on; give some with --val")
    return hold_out(dataset, settings.seed)


def _taught(settings: TrainingSettings, teacher: dict[str, list[Opinion]]) -> Iterable[str]:
    """The classes that others than the labels show."""
    if settings.demo_frames:
        from rtdet.demo import CLASS_NAMES

        yield from CLASS_NAMES
    yield from sorted({name for rows in teacher.values() for name, _, _ in rows})


def _known_classes(wanted: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """The wanted classes as they are spelt here. Raises UnknownNameError for those that nothing here shows."""
    unknown = [name for name in wanted if class_called(name, known) is None]
    if unknown:
        raise UnknownNameError(
            "class of the data in --classes", ", ".join(unknown), tuple(dict.fromkeys(known))
        )
    return tuple(dict.fromkeys(class_called(name, known) or name for name in wanted))


def _warn_of_absent(dataset: Dataset) -> None:
    """A class without any object is not learnt, and its AP is not measured."""
    seen: Counter[int] = Counter()
    for sample in dataset.samples:
        seen.update(sample.labels[~sample.ignored].tolist())
    absent = [name for label, name in enumerate(dataset.class_names) if not seen[label]]
    if absent:
        _log.warning("no picture has an object of %s: it will not be learnt", ", ".join(absent))
