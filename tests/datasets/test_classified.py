from __future__ import annotations

import pytest

from rtdet.datasets.classified import hold_out, load_classified, load_measured, part
from rtdet.errors import UnknownNameError, UsageError
from tests.shapes import write_shapes


def test_each_folder_is_a_class_and_its_own_folders_belong_to_it(tmp_path):
    folder = write_shapes(tmp_path / "shapes", 2)
    (folder / "bar" / "deep").mkdir()
    (folder / "bar" / "0.png").rename(folder / "bar" / "deep" / "9.png")
    data = load_classified(folder)
    assert data.class_names == ("bar", "circle", "square")
    assert [(path.name, label) for path, label in zip(data.paths, data.labels, strict=True)][:2] == [
        ("1.png", 0),
        ("9.png", 0),
    ]
    assert len(data) == 6


def test_a_divided_folder_has_parts_but_a_class_may_be_called_train_too(tmp_path):
    write_shapes(tmp_path / "train", 1)
    assert part(tmp_path, ["train"]) == tmp_path / "train"
    assert part(tmp_path, ["val"]) is None
    write_shapes(tmp_path / "val", 1)
    (tmp_path / "val" / "bar" / "0.png").rename(tmp_path / "val" / "stray.png")
    assert part(tmp_path, ["valid", "val"]) == tmp_path / "val"
    vehicles = write_shapes(tmp_path / "vehicles", 1, ("bus", "train"))
    assert part(vehicles, ["train"]) is None
    assert load_classified(vehicles).class_names == ("bus", "train")


def test_what_is_held_out_is_a_tenth_of_each_class_and_always_the_same(tmp_path):
    folder = write_shapes(tmp_path / "shapes", 6)
    write_shapes(tmp_path / "more", 38, ("ring",))
    (tmp_path / "more" / "ring").rename(folder / "ring")
    data = load_classified(folder)
    train, held, said = hold_out(data, seed=1)
    assert "7 of the 56 pictures are held out" in said
    assert [held.labels.count(label) for label in range(4)] == [1, 1, 4, 1]
    assert not set(train.paths) & set(held.paths)
    assert set(train.paths) | set(held.paths) == set(data.paths)
    assert hold_out(data, seed=1)[1].paths == held.paths
    assert hold_out(data, seed=2)[1].paths != held.paths


def test_of_few_pictures_none_is_held_out(tmp_path):
    data = load_classified(write_shapes(tmp_path / "shapes", 2))
    train, held, said = hold_out(data, seed=0)
    assert train is held is data
    assert "only 6 pictures" in said


def test_what_is_no_set_of_classes_is_said_in_one_line(tmp_path):
    with pytest.raises(UsageError, match="there is no folder"):
        load_classified(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="no class folders; expected are"):
        load_classified(tmp_path)
    write_shapes(tmp_path / "one", 1, ("bar",))
    with pytest.raises(UsageError, match="only one class, bar"):
        load_classified(tmp_path / "one")
    (tmp_path / "one" / "empty").mkdir()
    with pytest.raises(UsageError, match="one/empty has no pictures"):
        load_classified(tmp_path / "one")


def test_some_of_the_classes_can_be_chosen(tmp_path):
    folder = write_shapes(tmp_path / "shapes", 1)
    assert load_classified(folder, ["Square", "bar"]).class_names == ("square", "bar")
    with pytest.raises(UnknownNameError, match="circel"):
        load_classified(folder, ["circel", "bar"])


def test_what_is_measured_has_the_classes_that_are_trained_by_their_names(tmp_path, caplog):
    names = ("bar", "circle", "square")
    val = write_shapes(tmp_path / "val", 1, ("square", "bar"))
    data = load_measured(val, names)
    assert data.labels == (0, 2)
    assert "no pictures of circle: not measured" in caplog.text
    write_shapes(tmp_path / "other", 1, ("Circle", "ring"))
    with pytest.raises(UsageError, match=r"knows nothing: Circle, ring; .*Circle \(circle\)"):
        load_measured(tmp_path / "other", names)
    (val / "circle").mkdir()
    with pytest.raises(UsageError, match="no pictures of circle, ring"):
        load_measured(val, ("circle", "ring"), chosen=True)


def test_pictures_outside_of_the_class_folders_are_warned_of(tmp_path, caplog):
    folder = write_shapes(tmp_path / "shapes", 1)
    (folder / "bar" / "0.png").rename(folder / "stray.png")
    with pytest.raises(UsageError, match="bar has no pictures"):
        load_classified(folder)
    assert "1 pictures outside of the class folders" in caplog.text
