"""pycocotools is the reference: every figure equal to 1e-6."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest

from rtdet.datasets import Dataset, Sample
from rtdet.evaluation import evaluate
from rtdet.geometry.boxes import ltwh_to_xyxy, xyxy_to_ltwh
from rtdet.types import Detections

# The order of COCOeval.stats.
STATS = (
    "ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large",
    "ar_1", "ar_10", "ar_100", "ar_small", "ar_medium", "ar_large",
)  # fmt: skip


def pycocotools_figures(dataset, found):
    """COCOeval's twelve figures for all classes and for each; NaN where it says -1."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    rows, annotations = [], []
    for i, (sample, one) in enumerate(zip(dataset.samples, found, strict=True), start=1):
        for box, label, area, crowd in zip(
            xyxy_to_ltwh(sample.boxes), sample.labels, sample.areas, sample.crowd, strict=True
        ):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": i,
                    "category_id": int(label) + 1,
                    "bbox": np.round(box, 6).tolist(),
                    "area": float(area),
                    "iscrowd": int(crowd),
                }
            )
        for row, box in enumerate(xyxy_to_ltwh(one.boxes)):
            category = dataset.class_names.index(one.name_of(row)) + 1
            box = np.round(box, 6).tolist()
            score = float(one.scores[row])
            rows.append({"image_id": i, "category_id": category, "bbox": box, "score": score})
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": i + 1} for i in range(len(dataset.samples))],
            "categories": [{"id": i + 1, "name": name} for i, name in enumerate(dataset.class_names)],
            "annotations": annotations,
        }
        truth.createIndex()
        results = truth.loadRes(rows) if rows else COCO()
        figures = []
        for categories in (None, *([i + 1] for i in range(len(dataset.class_names)))):
            evaluation = COCOeval(truth, results, "bbox")
            if categories is not None:
                evaluation.params.catIds = categories
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
            figures.append(np.where(evaluation.stats == -1, np.nan, evaluation.stats))
    return figures


def assert_equal(dataset, found):
    scores = evaluate(dataset, found)
    expected = pycocotools_figures(dataset, found)
    for one, figures in zip((scores.mean, *scores.classes), expected, strict=True):
        ours = np.array([getattr(one, name) for name in STATS])
        np.testing.assert_allclose(ours, figures, atol=1e-6, rtol=0, err_msg=one.name)


def random_set(seed, pictures=12, classes=4, most_truths=14, most_found=30, whole=True, crowds=0.15):
    """Boxes that overlap a lot, on a coarse grid so that overlaps and areas lie on the limits, with few
    different scores so that many are equal; some pictures without objects, some without detections."""
    rng = np.random.default_rng(seed)

    def boxes(count):
        place, size = (
            rng.uniform(0, 220, (count, 2)),
            rng.choice([8, 16, 31, 32, 33, 64, 96, 97, 130], (count, 2)),
        )
        return ltwh_to_xyxy(np.concatenate([np.round(place, 0 if whole else 1), size.astype(float)], axis=1))

    names = tuple(f"c{i}" for i in range(classes))
    samples, found = [], []
    for i in range(pictures):
        count = 0 if i % 5 == 3 else int(rng.integers(0, most_truths))
        truths, labels = boxes(count), rng.integers(0, classes, count)
        crowd = rng.random(count) < crowds
        areas = (truths[:, 2:] - truths[:, :2]).prod(axis=1) * rng.choice([1.0, 0.6], count)
        samples.append(Sample(Path(f"{i}.png"), (400, 400), truths, labels, crowd, crowd=crowd, areas=areas))
        near = truths[rng.integers(0, count, int(rng.integers(0, most_found)))] if count else truths
        near = near + rng.choice([0, 1, 2, 4, 8], near.shape)
        near_labels = rng.integers(0, classes, len(near))
        near_labels[: len(near) // 2] = labels[0] if count else 0
        far = boxes(0 if i % 7 == 5 else int(rng.integers(0, most_found)))
        both = np.concatenate([near, far])
        sound = (both[:, 2] > both[:, 0]) & (both[:, 3] > both[:, 1])
        both_labels = np.concatenate([near_labels, rng.integers(0, classes, len(far))])[sound]
        scores = rng.integers(1, 12, sound.sum()) / 12
        found.append(Detections(both[sound], scores, both_labels, names))
    return Dataset(Path("."), names, samples), found


@pytest.mark.parametrize("seed", range(12))
def test_figures_equal_pycocotools_on_crowded_pictures_with_ties_and_crowds(seed):
    assert_equal(*random_set(seed, whole=seed % 2 == 0))


def test_figures_equal_with_more_than_a_hundred_detections_in_a_picture():
    assert_equal(*random_set(100, pictures=4, classes=1, most_truths=150, most_found=400))


def test_figures_equal_with_many_classes_of_which_some_do_not_occur():
    assert_equal(*random_set(101, pictures=30, classes=60, most_truths=8, most_found=12))


def test_figures_equal_where_every_object_is_a_crowd():
    assert_equal(*random_set(102, crowds=1.0))


def test_figures_equal_where_the_same_box_is_an_object_many_times():
    dataset, found = random_set(103)
    doubled = [sample[np.repeat(np.arange(len(sample)), 3)] for sample in dataset.samples]
    assert_equal(Dataset(dataset.folder, dataset.class_names, doubled), found)
