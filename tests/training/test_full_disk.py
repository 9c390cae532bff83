"""A disk that takes no more: here a limit to the size of a file, which gives the same kind of error anywhere."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
import torch

from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.network import SSD
from rtdet.detectors.ssd.weights import save_weights
from rtdet.errors import OutputError
from rtdet.training.checkpoint import Score, save_checkpoint, settle_on_best
from rtdet.training.config import TrainConfig
from rtdet.training.curves import draw_curves
from rtdet.training.engine import Trainer
from rtdet.training.labeled import Labeled
from rtdet.training.log import Log, read_log
from rtdet.training.sheet import write_sheet

TINY = SSDConfig(class_names=("a",), widths=(8, 8, 8, 8, 8), depths=(1, 1, 1), neck=8)
BEFORE = b"what was there before"


@contextlib.contextmanager
def full_disk(bytes_left):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _curves(path):
    log = Log(path.parent / "log.csv", 0)
    log.write({"step": 1, "lr": 0.1, "loss": 1, "score_loss": 0.5, "box_loss": 0.5})
    log.close()
    return lambda: draw_curves(log.path, path)


def _sheet(path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    example = Labeled(noise, np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0, bool))
    return lambda: write_sheet(path, [example], ("a",))


def _best(path):
    (path.parent / "last.safetensors").write_bytes(bytes(10_000))
    return lambda: settle_on_best(path.parent, Score(), Score())


def _checkpoint(path):
    trainer = Trainer(SSD(TINY), TrainConfig(size=(64, 64)), path.parent)
    return lambda: save_checkpoint(trainer.state_dict(), path)


@pytest.mark.parametrize(
    ("name", "prepare"),
    [
        ("curves.png", _curves),
        ("sheet.png", _sheet),
        ("model.safetensors", _best),
        ("last.pt", _checkpoint),
        ("last.safetensors", lambda path: lambda: save_weights(SSD(TINY), path)),
    ],
)
def test_what_cannot_be_written_is_one_line_and_leaves_the_old_file_and_no_part(tmp_path, name, prepare):
    torch.manual_seed(0)
    path = tmp_path / name
    write = prepare(path)
    path.write_bytes(BEFORE)
    with full_disk(2000), pytest.raises(OutputError, match=name) as error:
        write()
    assert "\n" not in str(error.value)
    assert path.read_bytes() == BEFORE
    assert not list(tmp_path.glob("*.part"))


def test_a_log_that_cannot_go_on_is_one_line_and_keeps_its_whole_rows(tmp_path):
    path = tmp_path / "log.csv"
    log = Log(path, 0)

    def fill():
        for step in range(1, 1000):
            log.write({"step": step, "loss": 0.123456789})

    with full_disk(500):
        with pytest.raises(OutputError, match=r"cannot write .*log\.csv"):
            fill()
        log.close()
    rows = read_log(path)
    assert 10 < len(rows) < 40
    assert {row["loss"] for row in rows} == {"0.123456789"}


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match=r"cannot write .*run"):
        Trainer(SSD(TINY), TrainConfig(size=(64, 64)), tmp_path / "file" / "run")
