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

_log = logging.getLogger("rtdet.training")


def open_datasets(settings: TrainingSettings) -> tuple[Dataset, Dataset, str]:
    """(to train on, to measure on, what to say about it); the same one twice where nothing is held out.

    What of the labels is lost is said. Raises UsageError where that is more than a tenth (unless `allow_loss`) and
    for labels that do not go together with the settings.
    """
    teacher = {} if settings.teacher is None else load_teacher(Path(settings.teacher))
    dataset, named = _load(settings.data, settings.classes, settings.allow_loss)
    if settings.classes is not None:
        _check_classes(settings, [*named, *_taught(settings, teacher)])
    if not dataset.samples and not settings.demo_frames:
        raise UsageError(f"the labels in {settings.data} list no pictures")
    if settings.teacher is not None:
        samples = complete_labels(dataset.samples, teacher, dataset.class_names)
        dataset = replace(dataset, samples=samples)
    if not settings.demo_frames and not objects(dataset.samples):
        wanted = ", ".join(dataset.class_names) or "any class"
        raise UsageError(
            f"no picture in {settings.data} has an object of {wanted}; pass classes that it has as --classes"
        )
    if not settings.demo_frames:
        _warn_of_absent(dataset)
    if settings.val is not None:
        measured, _ = _load(settings.val, dataset.class_names, settings.allow_loss)
        if not objects(measured.samples):
            known = ", ".join(dataset.class_names)
            raise UsageError(
                f"no picture in --val {settings.val} has an object of {known}: nothing can be measured"
            )
        return dataset, measured, ""
    if not dataset.samples:
        raise UsageError(f"{settings.data} lists no pictures to measure AP on; give some with --val")
    return hold_out(dataset, settings.seed)


def _load(
    folder: str | Path, class_names: Sequence[str] | None, allow_loss: bool
) -> tuple[Dataset, tuple[str, ...]]:
    """The labelled pictures that are there, and the classes of their labels."""
    raw = without_missing(read_labels(Path(folder)))
    dataset = dataset_of(raw, class_names)
    say_losses(dataset.losses, folder, allow=allow_loss)
    return dataset, raw.class_names


def _taught(settings: TrainingSettings, teacher: dict[str, list[Opinion]]) -> Iterable[str]:
    """The classes that others than the labels show."""
    if settings.demo_frames:
        from rtdet.demo import CLASS_NAMES

        yield from CLASS_NAMES
    yield from sorted({name for rows in teacher.values() for name, _, _ in rows})


def _check_classes(settings: TrainingSettings, known: Sequence[str]) -> None:
    """Raises UnknownNameError for a class that nothing here shows."""
    unknown = [name for name in settings.classes or () if name not in known]
    if unknown:
        raise UnknownNameError(
            "class of the data in --classes", ", ".join(unknown), tuple(dict.fromkeys(known))
        )


def _warn_of_absent(dataset: Dataset) -> None:
    """A class without any object is not learnt, and its AP is not measured."""
    seen: Counter[int] = Counter()
    for sample in dataset.samples:
        seen.update(sample.labels[~sample.ignored].tolist())
    absent = [name for label, name in enumerate(dataset.class_names) if not seen[label]]
    if absent:
        _log.warning("no picture has an object of %s: it will not be learnt", ", ".join(absent))
