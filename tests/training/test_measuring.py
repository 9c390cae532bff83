"""Validation while training, the choice of a confidence, the card, the log and the plan."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from rtdet.datasets import Dataset, Sample
from rtdet.detectors.cards import read_card
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.detector import SSDDetector
from rtdet.detectors.ssd.network import SSD
from rtdet.errors import UsageError
from rtdet.evaluation import evaluate
from rtdet.training.calibration import counts, is_right
from rtdet.training.card import choose_confidence, write_card
from rtdet.training.log import Log, read_log
from rtdet.training.pictures import Budget
from rtdet.training.plan import hold_out, plan_for
from rtdet.training.validation import Validation
from rtdet.types import Detections, Thresholds


def _sample(
    path=Path("a.png"), boxes=((0, 0, 10, 10),), ignored=None, incomplete=frozenset(), size=(100, 100)
):
    boxes = np.array(boxes, dtype=np.float64)
    ignored = np.zeros(len(boxes), bool) if ignored is None else np.array(ignored)
    return Sample(path, size, boxes, np.zeros(len(boxes), np.int64), ignored, incomplete=incomplete)


def test_the_confidence_is_where_precision_and_recall_are_best_together():
    truth = Dataset(Path("."), ("a",), [_sample(boxes=[(0, 0, 10, 10), (50, 50, 60, 60)])])
    boxes = [(0, 0, 10, 10), (50, 50, 60, 60), (80, 80, 90, 90), (20, 0, 30, 10)]
    found = [Detections(boxes, [0.9, 0.5, 0.3, 0.2], class_names=("a",))]
    chosen = choose_confidence(truth, found)
    assert (chosen.score, chosen.precision, chosen.recall) == (0.5, 1.0, 1.0)
    assert choose_confidence(truth, [Detections(class_names=("a",))]) is None


def test_what_lies_in_an_ignored_region_or_is_of_an_incomplete_class_does_not_count():
    found = Detections([(0, 0, 10, 10), (50, 50, 60, 60), (70, 0, 80, 10)], [0.9, 0.8, 0.7], [0, 0, 1])
    truth = _sample(
        boxes=[(0, 0, 10, 10), (40, 40, 90, 90)], ignored=[False, True], incomplete=frozenset({1})
    )
    assert counts(found, truth, is_right(found, truth)).tolist() == [True, False, False]


def test_validation_sees_what_the_detector_sees(tmp_path):
    torch.manual_seed(0)
    model = SSD(SSDConfig(("a", "b"), (8, 8, 8, 8, 8), (1, 1, 1), 8)).eval()
    model.rescale_scores(20, 90)
    rng = np.random.default_rng(0)
    samples = []
    for i, size in enumerate([(200, 100), (90, 120), (200, 100)]):
        path = tmp_path / f"{i}.png"
        cv2.imwrite(str(path), rng.integers(0, 256, (size[1], size[0], 3)).astype(np.uint8))
        samples.append(_sample(path, size=size))
    (tmp_path / "broken.png").write_bytes(b"")
    samples.insert(1, _sample(tmp_path / "broken.png"))
    # Room for one of the pictures: the others are read again when they are looked at.
    validation = Validation(Dataset(tmp_path, ("a", "b"), samples), long_side=96, budget=Budget(20_000))
    assert [sample.path.name for sample in validation.dataset.samples] == ["0.png", "1.png", "2.png"]
    thresholds = Thresholds(0.01, 0.5, max_detections=100)
    detector = SSDDetector(
        model, thresholds=thresholds, imgsz=96, backend="torch", device="cpu", precision="fp32"
    )
    for sample, found in zip(validation.dataset.samples, validation.detect(model), strict=True):
        (wanted,) = detector.detect([sample.read()])
        assert len(wanted) > 0
        assert abs(len(found) - len(wanted)) <= 0.1 * len(wanted)
        np.testing.assert_allclose(found.scores[:1], wanted.scores[:1], atol=0.05)
    detector.close()


def test_nothing_that_can_be_decoded_is_one_line(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"")
    with pytest.raises(UsageError, match="can be decoded"):
        Validation(Dataset(tmp_path, ("a",), [_sample(tmp_path / "broken.png")]))


def test_a_card_can_be_read_back_whatever_its_texts_say(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    truth = Dataset(tmp_path, ('a "b"', "c\\d"), [_sample()])
    found = [Detections([(0, 0, 10, 10)], [0.9], [0], truth.class_names)]
    texts = {"data": 'of "C:\\pictures"\nand more', "start": "ü"}
    write_card(tmp_path, truth.class_names, texts, evaluate(truth, found), choose_confidence(truth, found))
    card = read_card(tmp_path / "card.toml")
    assert card.classes == truth.class_names
    assert card.more["data"] == texts["data"]
    assert card.more["ap50"] == {'a "b"': 100.0, "mean": 100.0}
    assert card.more["confidence"]["precision"] == 1
    assert card.size == 7


def test_rows_of_the_log_after_the_checkpoint_and_a_torn_last_one_are_cut(tmp_path):
    path = tmp_path / "log.csv"
    log = Log(path, 0)
    for step in (1, 2, 3):
        log.write({"step": step, "loss": 0.5})
    log.close()
    with path.open("a") as file:
        file.write("4,0.1")
    assert [row["step"] for row in read_log(path)] == ["1", "2", "3"]
    Log(path, 2).close()
    assert [row["step"] for row in read_log(path)] == ["1", "2"]


def test_a_tenth_is_held_out_of_many_pictures_and_nothing_of_few():
    many = Dataset(Path("."), ("a",), [_sample(Path(f"{i}.png")) for i in range(80)])
    train, measured, said = hold_out(many, seed=1)
    names = [{sample.path.name for sample in part.samples} for part in (train, measured)]
    assert (len(train), len(measured)) == (72, 8)
    assert not names[0] & names[1]
    assert "8 of the 80" in said
    few = Dataset(Path("."), ("a",), many.samples[:20])
    assert hold_out(few, seed=1)[1] is few


def test_a_trained_network_is_tuned_for_a_shorter_time_and_more_carefully():
    scratch = plan_for(100, 16, trained=False, norms=True)
    tuned = plan_for(100, 16, trained=True, norms=True)
    assert tuned.steps < scratch.steps
    assert tuned.lr < scratch.lr
    assert tuned.folded
    assert not scratch.folded
