"""Groups of classes."""

from __future__ import annotations

from rtdet.class_groups import GROUPS, OTHER, group_of, grouped, with_groups
from rtdet.demo import CLASS_NAMES
from rtdet.detectors.coco import COCO_CLASSES


def test_every_class_of_coco_is_in_one_group_and_none_is_left_over() -> None:
    groups = grouped(COCO_CLASSES)
    assert OTHER not in groups
    assert sorted(name for names in groups.values() for name in names) == sorted(COCO_CLASSES)
    assert len({name for names in GROUPS.values() for name in names}) == sum(map(len, GROUPS.values()))


def test_no_group_is_called_like_a_class_of_coco_so_that_a_name_means_one_thing() -> None:
    assert not set(GROUPS) & set(COCO_CLASSES)


def test_the_demo_shows_people_and_vehicles() -> None:
    assert {group_of(name) for name in CLASS_NAMES} == {"people", "vehicles"}


def test_names_of_nobody_are_in_the_last_group_and_the_order_within_a_group_is_kept() -> None:
    assert list(grouped(["forklift", "truck", "person", "car"]).items()) == [
        ("people", ("person",)),
        ("vehicles", ("truck", "car")),
        (OTHER, ("forklift",)),
    ]


def test_a_group_stands_for_those_of_its_classes_that_are_known() -> None:
    assert with_groups(["vehicles"], ("person", "car", "bus")) == ("car", "bus")
    assert with_groups(["people", "car"], ("person", "car", "bus")) == ("person", "car")
    assert with_groups(["Vehicles", "PERSON"], ("person", "car")) == ("car", "person")


def test_a_class_that_is_called_like_a_group_is_meant_itself_and_unknown_names_stay() -> None:
    assert with_groups(["food", "tram"], ("food", "pizza")) == ("food", "tram")
    assert with_groups(["food"], ("car",)) == ("food",)
