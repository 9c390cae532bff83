from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.detector import SSDDetector
from rtdet.detectors.ssd.network import SSD
from rtdet.detectors.ssd.weights import load_weights, save_weights
from rtdet.errors import RtdetError, UsageError
from rtdet.geometry.boxes import iou
from rtdet.training.augment import AugmentConfig, Labeled
from rtdet.training.checkpoint import Score
from rtdet.training.color import PLAIN
from rtdet.training.config import TrainConfig
from rtdet.training.engine import Trainer
from rtdet.training.folding import is_foldable
from rtdet.training.log import read_log
from rtdet.types import Thresholds

TINY = SSDConfig(class_names=("red", "green"), widths=(8, 16, 16, 24, 24), depths=(1, 1, 1), neck=16)


def _picture(seed):
    """A grey picture with one coloured square on it."""
    rng = np.random.default_rng(seed)
    image = np.full((96, 96, 3), 90, np.uint8)
    side, label = int(rng.integers(24, 56)), int(rng.integers(2))
    x, y = (int(v) for v in rng.integers(0, 96 - side, 2))
    image[y : y + side, x : x + side] = (20, 20, 230) if label == 0 else (20, 230, 20)
    box = np.array([[x, y, x + side, y + side]], dtype=np.float64)
    kept = Labeled(image, box, np.array([label]), np.array([False]))
    return lambda: kept


PICTURES = [_picture(seed) for seed in range(8)]


def _trainer(folder, steps, **changes):
    torch.manual_seed(0)
    config = TrainConfig(
        steps=steps, batch=8, size=(96, 96), lr=6e-3, warmup_steps=10, ema_decay=0.9,
        augment=AugmentConfig(mosaic=0.2, zoom=(0.8, 1.2), color=PLAIN), workers=1, **changes,
    )  # fmt: skip
    return Trainer(SSD(TINY), config, folder)


def test_eight_pictures_are_learnt_by_heart_and_the_saved_model_finds_their_objects(tmp_path):
    _trainer(tmp_path, 120).fit(PICTURES)
    detector = SSDDetector(
        tmp_path / "model.safetensors",
        thresholds=Thresholds(0.3), imgsz=96, backend="torch", device="cpu", precision="fp32",
    )  # fmt: skip
    truths = [picture() for picture in PICTURES]
    for truth, found in zip(truths, detector.detect([truth.image for truth in truths]), strict=True):
        assert len(found) > 0
        assert found.labels[0] == truth.labels[0]
        assert iou(found.boxes[:1], truth.boxes)[0, 0] > 0.6
    detector.close()


class Killed(Exception):
    pass


def _run_cut_off(folder, save_at, kill_at, steps):
    def kill(trainer, parts):
        if trainer.step == save_at:
            trainer.save()
        if trainer.step == kill_at:
            raise Killed

    with pytest.raises(Killed):
        _trainer(folder, steps).fit(PICTURES, kill, validate=_validate)


def _validate(model):
    """A figure that depends on the weights and swings, so that there is a best one in the middle."""
    weight = next(model.parameters()).flatten()[0].item()
    return Score(abs(np.sin(weight * 1e4)), 0.5)


def test_a_training_that_was_cut_off_ends_with_the_same_bytes(tmp_path):
    _run_cut_off(tmp_path / "cut", 4, 6, 9)
    resumed = _trainer(tmp_path / "cut", 9)
    resumed.resume()
    assert resumed.step == 4
    resumed.fit(PICTURES, validate=_validate)
    _trainer(tmp_path / "whole", 9).fit(PICTURES, validate=_validate)
    for name in ("log.csv", "model.safetensors", "best.safetensors", "last.safetensors"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_a_finished_training_that_is_resumed_stays_as_it_is(tmp_path):
    _trainer(tmp_path, 3).fit(PICTURES)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.suffix in (".safetensors", ".csv")}
    again = _trainer(tmp_path, 3)
    again.resume()
    again.fit(PICTURES)
    assert before == {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.name in before}


def test_minutes_become_a_number_of_steps_that_a_resumed_training_keeps(tmp_path):
    trainer = _trainer(tmp_path, 1, minutes=0.001)
    trainer.fit(PICTURES)
    assert trainer.step == trainer.total_steps > 24
    again = _trainer(tmp_path, 1, minutes=0.001)
    again.resume()
    assert again.total_steps == trainer.step


def test_a_training_of_some_minutes_that_is_resumed_for_more_goes_on_at_the_speed_it_had(tmp_path):
    trainer = _trainer(tmp_path, 30)
    trainer.fit(PICTURES)
    again = _trainer(tmp_path, 1, minutes=2 * trainer.elapsed_s / 60)
    again.resume()
    assert again.total_steps == 60
    less = _trainer(tmp_path, 1, minutes=1e-9)
    less.resume()
    assert less.total_steps == 30


def test_the_best_measured_network_is_the_one_that_is_kept(tmp_path):
    figures = iter([0.2, 0.9, 0.4])
    trainer = _trainer(tmp_path, 3)
    trainer.fit(PICTURES, validate=lambda model: Score(next(figures), 0.1))
    assert trainer.best == Score(0.9, 0.1, 2)
    assert (tmp_path / "model.safetensors").read_bytes() == (tmp_path / "best.safetensors").read_bytes()
    assert (tmp_path / "model.safetensors").read_bytes() != (tmp_path / "last.safetensors").read_bytes()
    assert [row["ap50"] for row in read_log(tmp_path / "log.csv")] == ["0.200000", "0.900000", "0.400000"]


def test_of_equally_good_networks_the_later_is_kept(tmp_path):
    trainer = _trainer(tmp_path, 3)
    trainer.fit(PICTURES, validate=lambda model: Score(0.0, 0.0))  # nothing found yet
    assert trainer.best.step == 3
    assert (tmp_path / "model.safetensors").read_bytes() == (tmp_path / "last.safetensors").read_bytes()


def test_a_start_that_no_step_improves_is_what_is_kept(tmp_path):
    figures = iter([0.9, 0.2, 0.4, 0.9])
    trainer = _trainer(tmp_path, 3, measure_start=True)
    save_weights(trainer.model, tmp_path / "start.safetensors")
    trainer.fit(PICTURES, validate=lambda model: Score(next(figures), 0.1))
    assert trainer.best == Score(0.9, 0.1, 0)
    assert (tmp_path / "model.safetensors").read_bytes() == (tmp_path / "start.safetensors").read_bytes()
    assert [row["step"] for row in read_log(tmp_path / "log.csv")] == ["0", "1", "2", "3"]


def test_a_training_leaves_its_curves_and_a_picture_of_what_the_network_saw(tmp_path):
    _trainer(tmp_path, 3).fit(PICTURES, validate=_validate)
    for name in ("curves.png", "what-the-network-sees.png"):
        image = cv2.imread(str(tmp_path / name))
        assert min(image.shape[:2]) > 200
        assert np.unique(image).size > 20


def test_norms_folded_for_the_training_are_back_in_the_saved_network(tmp_path):
    trainer = _trainer(tmp_path, 3, folded=True)
    assert not is_foldable(trainer.model)
    assert is_foldable(trainer.fit(PICTURES))
    load_weights(tmp_path / "model.safetensors")


def test_an_extra_loss_is_added_and_logged(tmp_path):
    torch.manual_seed(0)
    config = TrainConfig(steps=2, batch=2, size=(64, 64))

    def extra(images, truths, offsets, logits):
        return 0 * offsets.sum() + 5 + len(truths)

    trainer = Trainer(SSD(TINY), config, tmp_path, extra_loss=extra)
    trainer.fit(PICTURES)
    for row in read_log(tmp_path / "log.csv"):
        assert float(row["extra_loss"]) == 7
        assert float(row["loss"]) == pytest.approx(
            float(row["score_loss"]) + float(row["box_loss"]) + 7, rel=1e-4
        )


def test_the_backbone_learns_at_its_own_rate(tmp_path):
    trainer = _trainer(tmp_path, 2, backbone_lr=0.0)
    before = {name: value.clone() for name, value in trainer.model.named_parameters()}
    trainer.fit(PICTURES)
    for name, value in trainer.model.named_parameters():
        if name.startswith("backbone."):
            assert torch.equal(value, before[name]), name
    assert any(not torch.equal(value, before[name]) for name, value in trainer.model.named_parameters())


def test_a_loss_that_is_not_finite_stops_with_the_step_and_the_pictures_named_and_shown(tmp_path):
    trainer = _trainer(tmp_path, 5)
    with torch.no_grad():
        next(trainer.model.parameters()).fill_(float("nan"))
    named = [lambda p=picture, i=i: replace(p(), name=f"{i}.png") for i, picture in enumerate(PICTURES)]
    with pytest.raises(RtdetError, match=r"step 0, on .*\d\.png") as error:
        trainer.fit(named)
    assert "\n" not in str(error.value)
    assert cv2.imread(str(tmp_path / "not-finite.png")) is not None


def test_a_picture_that_cannot_be_decoded_is_named_once_and_left_out(tmp_path, caplog):
    def broken():
        raise UsageError("cannot decode the picture broken.jpg; remove it or replace it")

    _trainer(tmp_path, 3).fit([broken, *PICTURES])
    assert [record.message for record in caplog.records] == [
        "left out: cannot decode the picture broken.jpg; remove it or replace it"
    ]


def test_no_picture_that_can_be_decoded_is_one_line(tmp_path):
    def broken():
        raise UsageError("cannot decode the picture broken.jpg")

    with pytest.raises(UsageError, match="none of the 2 pictures can be decoded"):
        _trainer(tmp_path, 3).fit([broken, broken])


def test_a_picture_of_ten_thousand_boxes_is_trained_on(tmp_path):
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 80, (10_000, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(4, 16, (10_000, 2))], axis=1)
    crowd = Labeled(
        np.zeros((96, 96, 3), np.uint8), boxes, np.zeros(10_000, np.int64), rng.random(10_000) < 0.5
    )
    _trainer(tmp_path, 1).fit([lambda: crowd])


def test_settings_that_changed_are_named_when_a_training_is_resumed(tmp_path, caplog):
    _trainer(tmp_path, 2).fit(PICTURES)
    _trainer(tmp_path, 4, plain_tail=0.5).resume()
    assert "plain_tail" in caplog.text


def test_half_precision_without_a_gpu_is_refused(tmp_path):
    with pytest.raises(UsageError, match="fp16"):
        _trainer(tmp_path, 2, precision="fp16")
    with pytest.raises(UsageError, match="bf16"):
        _trainer(tmp_path, 2, precision="bf17")


def test_a_picture_that_fails_to_load_ends_the_training_with_its_error(tmp_path):
    def broken():
        raise OSError("disk gone")

    with pytest.raises(OSError, match="disk gone"):
        _trainer(tmp_path, 5).fit([broken])


def test_nothing_to_resume_is_said(tmp_path):
    with pytest.raises(RtdetError, match="nothing to resume"):
        _trainer(tmp_path, 5).resume()


class Runs:
    def __reduce__(self):
        return print, ("code ran",)


@pytest.mark.parametrize("content", ["cut", "code", "foreign"])
def test_a_checkpoint_that_is_damaged_foreign_or_would_run_code_is_one_line(tmp_path, capsys, content):
    trainer = _trainer(tmp_path, 5)
    last = tmp_path / "last.pt"
    if content == "code":
        torch.save({"model": Runs()}, last)
    elif content == "foreign":
        torch.save([1, 2, 3], last)
    else:
        trainer.save()
        last.write_bytes(last.read_bytes()[:1000])
    with pytest.raises(RtdetError, match=r"last\.pt is damaged, or belongs to a training") as error:
        trainer.resume()
    assert "\n" not in str(error.value)
    assert "code ran" not in capsys.readouterr().out
