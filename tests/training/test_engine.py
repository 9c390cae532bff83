from __future__ import annotations

import numpy as np
import pytest
import torch

from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.detector import SSDDetector
from rtdet.detectors.ssd.network import SSD
from rtdet.errors import RtdetError
from rtdet.geometry.boxes import iou
from rtdet.training.augment import AugmentConfig, Labelled
from rtdet.training.engine import TrainConfig, Trainer
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
    kept = Labelled(image, box, np.array([label]), np.array([False]))
    return lambda: kept


PICTURES = [_picture(seed) for seed in range(8)]


def _trainer(folder, steps, **changes):
    torch.manual_seed(0)
    config = TrainConfig(
        steps=steps, batch=8, size=(96, 96), lr=6e-3, warmup_steps=10, ema_decay=0.9,
        augment=AugmentConfig(mosaic=0.2, zoom=(0.8, 1.2), saturation=0.2, grey=0), **changes,
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


def test_a_training_that_was_cut_off_goes_on_from_its_checkpoint(tmp_path):
    class Killed(Exception):
        pass

    def kill(trainer, parts):
        if trainer.step == 4:
            trainer.save()
        if trainer.step == 6:
            raise Killed

    with pytest.raises(Killed):
        _trainer(tmp_path / "cut", 8).fit(PICTURES, kill)
    resumed = _trainer(tmp_path / "cut", 8)
    resumed.resume()
    assert resumed.step == 4
    resumed.fit(PICTURES)
    whole = _trainer(tmp_path / "whole", 8)
    whole.fit(PICTURES)
    for name, value in whole.model.state_dict().items():
        torch.testing.assert_close(resumed.model.state_dict()[name], value, rtol=1e-3, atol=1e-4)


def test_a_loss_that_is_not_finite_stops_with_the_step_named(tmp_path):
    trainer = _trainer(tmp_path, 5)
    with torch.no_grad():
        next(trainer.model.parameters()).fill_(float("nan"))
    with pytest.raises(RtdetError, match="step 0"):
        trainer.fit(PICTURES)


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
    with pytest.raises(RtdetError, match=r"last\.pt is damaged, or is of a training") as error:
        trainer.resume()
    assert "\n" not in str(error.value)
    assert "code ran" not in capsys.readouterr().out
