"""The labels of one picture: out of a data set, a single file of labels, or the demo, which knows its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rtdet.datasets import Dataset, Sample, load_dataset
from rtdet.datasets.coco import read_coco
from rtdet.datasets.formats import dataset_of, splits_of
from rtdet.errors import UsageError
from rtdet.explain.inside import Truth
from rtdet.types import FloatArray

# Folders that files of labels lie in, below the data set's own.
_LABEL_FOLDERS = ("labels", "annotations", "train", "val", "valid", "test")
# What is hardly to be seen need not be found.
_LEAST_VISIBLE = 0.3


def truth_in(labels: Path, picture: Path, class_names: Sequence[str]) -> Truth:
    """The objects that `labels`, a data set's folder or one file of it, has for a picture. Regions that are to be
    ignored are left out. Raises UsageError where there are no such labels, or none of this picture."""
    if not labels.exists():
        raise UsageError(f"--labels {labels} does not exist")
    for dataset in _datasets(labels):
        sample = _sample_of(dataset, picture)
        if sample is not None:
            kept = sample[np.flatnonzero(~sample.ignored)]
            return truth_of(kept.boxes, [dataset.class_names[label] for label in kept.labels], class_names)
    raise UsageError(f"--labels {labels} has no labels of a picture called {picture.name}")


def demo_truth(seed: int, t: float, class_names: Sequence[str]) -> Truth:
    """The objects of the demo's frame at `t` seconds that are to be seen."""
    from rtdet.video.sources.demo import DemoSource

    scene = DemoSource(seed=seed).scene
    i = min(scene.frame_count - 1, max(0, round(t * scene.fps)))
    truth = scene.truth(i)
    seen = truth[scene.visibility(i) >= _LEAST_VISIBLE]
    return truth_of(seen.boxes, [seen.name_of(row) for row in range(len(seen))], class_names)


def truth_of(boxes: FloatArray, names: Sequence[str], class_names: Sequence[str]) -> Truth:
    """Objects by name, with the labels that a detector has for them."""
    places = {name: i for i, name in enumerate(class_names)}
    labels = np.array([places.get(name, -1) for name in names], dtype=np.int64)
    return Truth(np.asarray(boxes, dtype=np.float64).reshape(-1, 4), list(names), labels)


def known(truth: Truth) -> Truth:
    """The objects of classes that the detector knows."""
    keep = np.flatnonzero(truth.labels >= 0)
    return Truth(truth.boxes[keep], [truth.names[int(row)] for row in keep], truth.labels[keep])


def _datasets(labels: Path) -> list[Dataset]:
    if labels.is_dir():
        return _of_folder(labels)
    if labels.suffix.lower() == ".json":
        roots = [labels.parent / "images", labels.parent, labels.parent.parent]
        return [dataset_of(read_coco(labels, [root for root in roots if root.is_dir()]))]
    folder = labels.parent
    while folder.name.lower() in _LABEL_FOLDERS and folder != folder.parent:
        folder = folder.parent
    return _of_folder(folder)


def _of_folder(folder: Path) -> list[Dataset]:
    parts = splits_of(folder)
    if len(parts) > 1:
        return [load_dataset(folder, split=part) for part in parts]
    return [load_dataset(folder)]


def _sample_of(dataset: Dataset, picture: Path) -> Sample | None:
    """The picture's, by its place; else the only one of its name."""
    whole = picture.resolve()
    named = [sample for sample in dataset.samples if sample.path.name == picture.name]
    same = [sample for sample in named if sample.path.resolve() == whole]
    return same[0] if same else named[0] if len(named) == 1 else None
