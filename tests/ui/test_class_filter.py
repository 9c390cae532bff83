"""The list of classes in the panel."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from PyQt6.QtCore import QPoint, Qt

from rtdet.detectors.coco import COCO_CLASSES
from rtdet.ui.class_filter import ClassFilter, list_lines
from rtdet.viewer.player import PlayerState


@pytest.fixture
def player() -> PlayerState:
    return PlayerState(class_names=COCO_CLASSES)


@pytest.fixture
def shown(qtbot, player) -> ClassFilter:
    classes = ClassFilter(player)
    qtbot.addWidget(classes)
    classes.show()
    return classes


def texts(shown: ClassFilter) -> list[str]:
    return [shown.list.item(row).text() for row in range(shown.list.count())]


def state_of(shown: ClassFilter, text: str) -> Qt.CheckState:
    return shown.list.item(texts(shown).index(text)).checkState()


def click(qtbot, shown: ClassFilter, text: str) -> None:
    """On its tick, with the mouse."""
    item = shown.list.item(texts(shown).index(text))
    shown.list.scrollToItem(item)
    place = shown.list.visualItemRect(item)
    qtbot.mouseClick(
        shown.list.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place.left() + 10, place.center().y())
    )


def names_in(lines: Sequence[tuple[str, tuple[str, ...]]]) -> list[str]:
    return [name for name, members in lines if members == (name,)]


def test_a_short_list_has_no_groups() -> None:
    assert list_lines(("car", "person"), ("person",)) == [("car", ("car",)), ("person", ("person",))]


def test_a_long_list_names_every_class_once_under_its_group_and_what_was_seen_first() -> None:
    lines = list_lines(COCO_CLASSES, ("dog", "tram", "cup"))
    assert sorted(names_in(lines)) == sorted(COCO_CLASSES)
    assert lines[:4] == [
        ("SEEN HERE", ("dog", "cup")),
        ("dog", ("dog",)),
        ("cup", ("cup",)),
        ("PEOPLE", ("person",)),
    ]
    assert "dog" not in dict(lines)["ANIMALS"]


def test_the_tick_of_a_group_is_for_all_its_classes_and_shows_when_some_are_out(qtbot, shown, player) -> None:
    assert state_of(shown, "ANIMALS") == Qt.CheckState.Checked
    click(qtbot, shown, "cat")
    assert not player.keeps("cat")
    assert state_of(shown, "ANIMALS") == Qt.CheckState.PartiallyChecked
    assert shown.heading.text() == "CLASSES  79 OF 80"
    click(qtbot, shown, "ANIMALS")
    assert player.selection is None
    click(qtbot, shown, "ANIMALS")
    assert not any(player.keeps(name) for name in ("cat", "dog", "zebra"))
    assert player.keeps("car")
    assert state_of(shown, "dog") == Qt.CheckState.Unchecked


def test_what_is_seen_moves_up_and_keeps_its_tick_and_a_new_source_puts_it_back(qtbot, shown, player) -> None:
    click(qtbot, shown, "dog")
    player.see(["dog", "cup"])
    assert texts(shown)[:3] == ["SEEN HERE", "dog", "cup"]
    assert state_of(shown, "dog") == Qt.CheckState.Unchecked
    assert state_of(shown, "SEEN HERE") == Qt.CheckState.PartiallyChecked
    player.expect(())
    assert texts(shown)[0] == "PEOPLE"
    assert not player.keeps("dog")


def test_on_a_street_only_its_classes_are_ticked(shown, player) -> None:
    player.expect(("person", "car"))
    assert shown.heading.text() == "CLASSES  2 OF 80"
    assert state_of(shown, "PEOPLE") == Qt.CheckState.Checked
    assert state_of(shown, "VEHICLES") == Qt.CheckState.PartiallyChecked
    assert state_of(shown, "FOOD") == Qt.CheckState.Unchecked


def test_a_group_that_is_partly_ticked_looks_like_neither_all_nor_none(qtbot, shown, player) -> None:
    looks = []
    for selection in (None, frozenset(COCO_CLASSES) - {"person"}, frozenset({"bicycle"}), frozenset()):
        player.selection = selection
        item = shown.list.item(texts(shown).index("VEHICLES"))
        picture = shown.list.grab(shown.list.visualItemRect(item)).toImage()
        looks.append(bytes(picture.constBits().asarray(picture.sizeInBytes())))
    assert looks[0] == looks[1]
    assert len({looks[0], looks[2], looks[3]}) == 3
