"""Labelled pictures: COCO JSON, VOC XML, YOLO txt and what annotation tools write, read, completed and converted."""

from __future__ import annotations

from rtdet.datasets.coco import load_coco
from rtdet.datasets.completion import Completion, complete_labels, load_teacher
from rtdet.datasets.formats import load_dataset
from rtdet.datasets.incomplete import declare_incomplete
from rtdet.datasets.sample import Dataset, Sample

__all__ = [
    "Completion",
    "Dataset",
    "Sample",
    "complete_labels",
    "declare_incomplete",
    "load_coco",
    "load_dataset",
    "load_teacher",
]
