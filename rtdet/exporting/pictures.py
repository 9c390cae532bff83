"""The pictures that a quantisation is measured on: some to find out what layers give, others to see what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from rtdet.datasets import load_dataset
from rtdet.datasets.sample import Dataset, Sample
from rtdet.demo import CLASS_NAMES, DemoScene
from rtdet.errors import UsageError
from rtdet.output_file import write_whole

CALIBRATING, MEASURED = 200, 300  # pictures at most
_DEMO_CALIBRATING, _DEMO_MEASURED = 40, 40
_LEAST_VISIBLE = 0.25  # of an object that a detector can be asked for


def of_data(folder: Path, split: str | None = None) -> tuple[list[Sample], Dataset]:
    """(pictures to calibrate with, others to measure) of a labelled folder, spread over it; of few pictures all are
    for both. Raises UsageError for a folder without labelled pictures."""
    dataset = load_dataset(folder, split=split, cut=False)
    if not dataset.samples:
        raise UsageError(f"the labels in {folder} list no pictures")
    if len(dataset) < 2 * 10:
        return dataset.samples, dataset
    first, second = dataset.samples[::2], dataset.samples[1::2]
    return _spread(first, CALIBRATING), replace(dataset, samples=_spread(second, MEASURED))


def of_demo(folder: Path) -> tuple[list[Sample], Dataset]:
    """The same of rendered frames, which are written into `folder`: two streets, one for each."""
    calibrating = _rendered(folder, seed=1, count=_DEMO_CALIBRATING)
    return calibrating, Dataset(folder, CLASS_NAMES, _rendered(folder, seed=2, count=_DEMO_MEASURED))


def _spread(samples: Sequence[Sample], most: int) -> list[Sample]:
    places = np.linspace(0, len(samples) - 1, min(most, len(samples))).round().astype(int)
    return [samples[i] for i in places]


def _rendered(folder: Path, seed: int, count: int) -> list[Sample]:
    scene = DemoScene(seed=seed, width=960, height=540)
    samples = []
    for k in range(count):
        i = round(k * (scene.frame_count - 1) / max(1, count - 1))
        path = folder / f"{seed}-{i:04d}.png"
        write_whole(
            path, cv2.imencode(".png", scene.render(i), [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
        )
        truth = scene.truth(i)
        assert truth.labels is not None
        hidden = scene.visibility(i) < _LEAST_VISIBLE
        samples.append(Sample(path, (scene.width, scene.height), truth.boxes, truth.labels, hidden))
    return samples
