"""pycocotools is the reference: every figure equal to 1e-6."""

from __future__ import annotations

import contextlib
import io
import json

import numpy as np
import pytest

from rtdet.datasets import Dataset, load_dataset
from rtdet.evaluation import evaluate
from rtdet.evaluation.detection.files import detect_all, read_detections
from rtdet.geometry.boxes import xyxy_to_ltwh
from tests.evaluation.conftest import random_set

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


@pytest.mark.parametrize("seed", range(3))
def test_figures_equal_where_objects_stick_out_of_the_picture(tmp_path, seed):
    rng = np.random.default_rng(seed)
    annotations, rows = [], []
    for picture in range(1, 21):
        for left, top, width, height in rng.uniform([-40, -40, 60, 60], [180, 180, 120, 120], (6, 4)):
            box = [left, top, width, height]
            annotations.append({"image_id": picture, "category_id": 1, "bbox": box, "area": width * height})
            near = (np.array(box) + rng.uniform(-6, 6, 4)).tolist()
            rows.append(
                {"file_name": f"{picture}.png", "category": "c", "bbox": near, "score": rng.uniform()}
            )
    content = {
        "images": [{"id": i, "file_name": f"{i}.png", "width": 200, "height": 200} for i in range(1, 21)],
        "categories": [{"id": 1, "name": "c"}],
        "annotations": [{"id": i, "iscrowd": 0, **row} for i, row in enumerate(annotations, 1)],
    }
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    (tmp_path / "found.json").write_text(json.dumps(rows))
    dataset = load_dataset(tmp_path, cut=False)
    assert (np.concatenate([sample.boxes for sample in dataset.samples])[:, :2] < 0).any()
    ours = evaluate(dataset, read_detections(tmp_path / "found.json", dataset)).mean
    assert ours.ap == pytest.approx(_ap_of_files(tmp_path / "annotations.json", rows), abs=1e-6)


def _ap_of_files(annotations, rows):
    """pycocotools' AP, from the files themselves."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    results = [
        {"image_id": int(row["file_name"][:-4]), "category_id": 1, "bbox": row["bbox"], "score": row["score"]}
        for row in rows
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(annotations))
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats[0]


def test_figures_equal_on_real_pictures_with_a_real_detector(shared_data):
    from rtdet.detectors.registry import load_detector
    from rtdet.types import Thresholds

    whole = load_dataset(shared_data / "street" / "val")
    dataset = Dataset(whole.folder, whole.class_names, whole.samples[::14])
    detector = load_detector(
        shared_data / "weights" / "yolox_nano_coco.onnx", thresholds=Thresholds(0.01), device="cpu"
    )
    found = [
        one[np.isin([one.name_of(row) for row in range(len(one))], dataset.class_names)]
        for one in detect_all(detector, dataset)
    ]
    detector.close()
    assert evaluate(dataset, found).mean.ap50 > 0.3
    assert_equal(dataset, found)
