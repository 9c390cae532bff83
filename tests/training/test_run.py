from __future__ import annotations

import pytest

import rtdet
from rtdet.errors import RtdetError, UsageError
from rtdet.training import TrainingSettings, settings_of, train

SMALL = {"size": 64, "batch": 2, "steps": 2}


def test_a_training_from_python_gives_the_model_that_it_wrote_and_its_scores(squares, tmp_path):
    trained = train(TrainingSettings(squares, **SMALL), tmp_path / "run")
    assert trained.steps == 2
    assert trained.model == tmp_path / "run" / "model.safetensors"
    assert 0 <= trained.scores.mean.ap50 <= 1
    with_model = rtdet.load_detector(trained.model)
    assert with_model.class_names == ("square",)
    with_model.close()


def test_what_ends_a_training_from_python_leaves_a_checkpoint_that_it_goes_on_from(squares, tmp_path):
    steps = []

    def stop_after_one(trainer, parts):
        steps.append(trainer.step)
        if trainer.step == 1:
            trainer.save()
            raise KeyboardInterrupt

    settings = TrainingSettings(squares, **SMALL)
    with pytest.raises(KeyboardInterrupt):
        train(settings, tmp_path / "cut", on_step=stop_after_one)
    train(
        settings_of(tmp_path / "cut"),
        tmp_path / "cut",
        resume=True,
        on_step=lambda trainer, parts: steps.append(trainer.step),
    )
    assert steps == [1, 2]
    train(settings, tmp_path / "whole")
    for name in ("log.csv", "model.safetensors"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_settings_are_read_back_as_they_were_and_a_new_length_replaces_the_old_one(squares, tmp_path):
    settings = TrainingSettings(squares, classes=("square",), **SMALL)
    train(settings, tmp_path / "run")
    assert settings_of(tmp_path / "run") == settings
    longer = settings_of(tmp_path / "run", epochs=2.0)
    assert (longer.steps, longer.epochs) == (None, 2.0)
    with pytest.raises(UsageError, match="began with ssd-n"):
        settings_of(tmp_path / "run", model="csp-n")


def test_settings_that_make_no_sense_are_errors_before_anything_is_read(squares):
    with pytest.raises(UsageError, match="--batch"):
        TrainingSettings(squares, batch=0)
    with pytest.raises(UsageError, match="only one of"):
        TrainingSettings(squares, steps=1, epochs=1.0)
    with pytest.raises(RtdetError, match="yolo"):
        TrainingSettings(squares, augment="yolov4")


@pytest.mark.parametrize("name", ["model.safetensors", "last.safetensors"])
def test_the_model_that_is_fine_tuned_is_not_overwritten(squares, tmp_path, name):
    model = tmp_path / "run" / name
    model.parent.mkdir()
    model.write_bytes(b"weights")
    settings = TrainingSettings(squares, **{**SMALL, "model": str(model)})
    with pytest.raises(UsageError, match=f"run/{name} would overwrite"):
        train(settings, tmp_path / "run")
    assert model.read_bytes() == b"weights"


def test_a_folder_with_a_training_is_not_overwritten(squares, tmp_path):
    settings = TrainingSettings(squares, **SMALL)
    train(settings, tmp_path / "run")
    with pytest.raises(UsageError, match="holds a training already"):
        train(settings, tmp_path / "run")


def test_a_trainer_goes_on_from_the_state_of_another(tmp_path):
    import torch

    from rtdet.detectors.ssd.architectures import build_network
    from rtdet.detectors.ssd.catalogue import new_config
    from rtdet.training.config import TrainConfig
    from rtdet.training.engine import Trainer

    def trainer(seed):
        torch.manual_seed(seed)
        network = build_network(new_config("ssd-n", ("square",)))
        return Trainer(network, TrainConfig(size=(64, 64)), tmp_path)

    first, second = trainer(0), trainer(1)
    first.step = 7
    second.load_state_dict(first.state_dict())
    assert second.step == 7
    for one, other in zip(first.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(one, other)
