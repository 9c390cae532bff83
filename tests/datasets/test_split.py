"""A data set divided by share: seeded, whole, and no picture of one part nearly one of another."""

from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pytest

from rtdet.datasets import load_dataset
from rtdet.datasets.check import check_parts
from rtdet.datasets.convert import WRITERS, convert, read_parts
from rtdet.datasets.formats import read_labels, splits_of
from rtdet.datasets.near_duplicates import duplicate_groups, fingerprint, near_duplicates
from rtdet.datasets.split import divide, split_parts
from rtdet.errors import OutputError, UsageError

SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}


def _set(coco_folder, count=20, **more):
    return coco_folder(
        {f"{i:02}.png": [("car", i, 1, 9, 9), ("bus", 50, 50, 9, 9)] for i in range(count)}, **more
    )


def _names(folder):
    return {
        part: [s.path.stem for s in load_dataset(folder, split=part).samples] for part in splits_of(folder)
    }


@pytest.mark.parametrize("kind", WRITERS)
def test_a_set_is_divided_by_share_in_its_own_format(coco_folder, tmp_path, kind):
    convert(_set(coco_folder), kind, tmp_path / "whole")
    done = split_parts(read_parts(tmp_path / "whole"), SHARES, tmp_path / "new")
    assert done.pictures == {"train": 16, "val": 2, "test": 2}
    assert done.objects == {"train": 32, "val": 4, "test": 4}
    names = _names(tmp_path / "new")
    assert {part: len(rows) for part, rows in names.items()} == done.pictures
    assert sorted(name for rows in names.values() for name in rows) == [f"{i:02}" for i in range(20)]
    assert read_labels(tmp_path / "new", "val").kind == kind
    for sample in load_dataset(tmp_path / "new", ["car", "bus"], split="val").samples:
        assert sorted(sample.labels.tolist()) == [0, 1]
        assert sample.boxes[sample.labels == 0][0, 0] == pytest.approx(int(sample.path.stem), abs=0.01)


def test_the_same_seed_gives_the_same_parts_and_another_others(coco_folder, tmp_path):
    folder = _set(coco_folder)
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        split_parts(read_parts(folder), SHARES, tmp_path / name, seed=seed)
    assert _names(tmp_path / "one") == _names(tmp_path / "two") != _names(tmp_path / "three")


def test_pictures_that_are_nearly_the_same_stay_together(coco_folder, tmp_path):
    folder = _set(coco_folder)
    images = folder / "images"
    for copy in range(1, 20, 2):  # each odd picture a brighter copy of the one before it
        picture = cv2.imread(str(images / f"{copy - 1:02}.png"))
        cv2.imwrite(
            str(images / f"{copy:02}.png"), np.clip(picture.astype(int) + 20, 0, 255).astype(np.uint8)
        )
    for seed in range(3):
        done = split_parts(read_parts(folder), SHARES, tmp_path / f"new-{seed}", seed=seed)
        assert done.grouped == 20
        assert done.pictures == {"train": 16, "val": 2, "test": 2}
        assert (
            "picture in two parts"
            not in check_parts(tmp_path, read_parts(tmp_path / f"new-{seed}")).by_kind()
        )


def test_a_divided_set_is_divided_anew_with_its_declaration(coco_folder, tmp_path):
    _set(coco_folder, 5, folder=tmp_path / "set" / "train")
    _set(coco_folder, 5, folder=tmp_path / "set" / "val", seed=100)
    (tmp_path / "set" / "dataset.toml").write_text('[incomplete]\nstreet = ["bus"]\n')
    done = split_parts(read_parts(tmp_path / "set"), {"train": 0.5, "val": 0.5}, tmp_path / "new")
    assert done.pictures == {"train": 5, "val": 5}
    for part in ("train", "val"):
        dataset = load_dataset(tmp_path / "new", split=part)
        assert len(dataset) == 5
        assert all(sample.incomplete == {dataset.class_names.index("bus")} for sample in dataset.samples)


def test_every_part_gets_a_picture_and_too_few_are_an_error():
    assert {part: len(p) for part, p in divide([[0], [1], [2]], SHARES, 0).items()} == dict.fromkeys(
        SHARES, 1
    )
    with pytest.raises(UsageError, match="2 pictures that are not nearly the same"):
        divide([[0, 1, 2, 3], [4]], SHARES, 0)
    assert divide([[0, 1, 2, 3, 4, 5, 6, 7], [8], [9]], SHARES, 3)["train"] == list(range(8))


def test_groups_are_linked_by_what_is_like_both():
    noise = np.random.default_rng(0).integers(0, 256, (10, 20), np.uint8)
    picture = cv2.resize(noise, (200, 100), interpolation=cv2.INTER_CUBIC)
    moved = [fingerprint(picture[:, i : i + 185]) for i in range(10)]
    assert not len(near_duplicates(moved[:1], moved[-1:]))
    other = fingerprint(cv2.flip(picture, -1))
    assert duplicate_groups([*moved, other]) == [list(range(10)), [10]]
    assert duplicate_groups([]) == []


def test_what_cannot_be_decoded_is_left_out_and_counted(coco_folder, tmp_path, caplog):
    folder = _set(coco_folder)
    (folder / "images" / "03.png").write_bytes((folder / "images" / "03.png").read_bytes()[:400])
    done = split_parts(read_parts(folder), SHARES, tmp_path / "new")
    assert sum(done.pictures.values()) == 19
    assert "1 of 20 pictures is left out (that cannot be read)" in caplog.text
    for name in ("04", "05", "06"):
        (folder / "images" / f"{name}.png").write_bytes(b"")
    with pytest.raises(UsageError, match="4 of 20 pictures are left out"):
        split_parts(read_parts(folder), SHARES, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_nothing_is_written_over(coco_folder, tmp_path):
    folder = _set(coco_folder, 4)
    shutil.copytree(folder, tmp_path / "there")
    with pytest.raises(OutputError, match="not empty"):
        split_parts(read_parts(folder), SHARES, tmp_path / "there")
    assert json.loads((tmp_path / "there" / "annotations.json").read_text())["images"]
