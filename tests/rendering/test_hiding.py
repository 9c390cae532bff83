"""What cannot be seen any more where classes are hidden, in which frames, and where."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from rtdet.errors import UsageError
from rtdet.rendering import HiddenClasses, hide
from rtdet.rendering.hiding import CELLS, ways_of

BOX = (100.0, 60.0, 160.0, 180.0)


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (240, 320, 3), np.uint8)


def touched(before: np.ndarray, after: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero((before != after).any(axis=2))
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


@pytest.mark.parametrize("is_mosaic", [True, False])
def test_of_a_face_not_more_than_eight_averages_are_left_along_its_longer_side(noise, is_mosaic) -> None:
    face = noise.copy()
    hide(face, (40, 40, 140, 160), is_mosaic=is_mosaic)
    area = face[40:160, 40:140].astype(float)
    # What eight averages can tell, made again from them, is all there is.
    small = cv2.resize(area, (CELLS - 1, CELLS), interpolation=cv2.INTER_AREA)
    again = cv2.resize(small, (100, 120), interpolation=cv2.INTER_NEAREST)
    assert np.abs(area - again).mean() < 12
    assert area.std() < 0.25 * noise.std()


def test_two_different_faces_of_the_same_averages_look_the_same() -> None:
    stripes = np.zeros((160, 160, 3), np.uint8)
    stripes[::2] = 200
    plain = np.full((160, 160, 3), 100, np.uint8)
    for is_mosaic in (True, False):
        one, other = stripes.copy(), plain.copy()
        for image in (one, other):
            hide(image, (0, 0, 160, 160), is_mosaic=is_mosaic)
        assert np.abs(one.astype(int) - other).max() <= 2


def test_a_box_beyond_the_picture_is_hidden_as_far_as_it_is_in_it(noise) -> None:
    image = noise.copy()
    hide(image, (-500.0, 100.0, 50.0, 900.0), is_mosaic=True)
    assert touched(noise, image) == (0, 100, 50, 240)
    hide(image, (400.0, 300.0, 500.0, 400.0), is_mosaic=True)


def test_what_is_hidden_is_the_box_with_a_margin_and_nothing_else(table, noise) -> None:
    hidden = HiddenClasses(table([(5, 1, BOX)]), {"person": True}, 10, "t.csv")
    left, top, right, bottom = touched(noise, hidden.apply(noise, 5))
    assert 88 <= left <= 92
    assert 40 <= top <= 44
    assert 168 <= right <= 172
    assert 196 <= bottom <= 200


def test_guessed_boxes_are_hidden_too_with_a_larger_margin(table, noise) -> None:
    rows = [(number, 1, BOX) for number in (5, 6, 7)]
    hidden = HiddenClasses(table(rows, seen=[True, False, True]), {"person": False}, 10, "t.csv")
    seen, guessed = (touched(noise, hidden.apply(noise, number)) for number in (5, 6))
    assert guessed[0] < seen[0] - 8
    assert guessed[2] > seen[2] + 8


def test_a_gap_of_a_track_is_hidden_along_its_way_and_so_is_half_a_second_around_it(table, noise) -> None:
    moved = tuple(side + shift for side, shift in zip(BOX, (100, 0, 100, 0), strict=True))
    hidden = HiddenClasses(table([(10, 1, BOX), (20, 1, moved)]), {"person": True}, 10, "t.csv")
    for number in range(5, 26):
        left, _, right, _ = touched(noise, hidden.apply(noise, number))
        middle = 130 + 10 * (number - 10)
        assert left < middle - 25
        assert right > middle + 25
    for number in (4, 26):
        assert hidden.apply(noise, number) is noise


def test_who_stops_where_a_track_ends_is_hidden_as_well_as_who_goes_on(table, noise) -> None:
    nudged = tuple(side + shift for side, shift in zip(BOX, (12, 0, 12, 0), strict=True))
    hidden = HiddenClasses(table([(10, 1, BOX), (11, 1, nudged)]), {"person": True}, 10, "t.csv")
    for number in range(12, 17):
        left, _, right, _ = touched(noise, hidden.apply(noise, number))
        assert left < nudged[0]
        assert right > nudged[2] + 12 * (number - 11)


def test_seconds_are_those_of_the_frames_where_the_film_does_not_know_its_rate(table, noise) -> None:
    one = table([(n, 1, BOX) for n in (*range(1, 61), *range(150, 160))])
    listed = one.frame_list
    times = (listed.numbers - 1) / 60
    fast = replace(one, frame_list=replace(listed, times_s=times))
    hidden = HiddenClasses(fast, {"person": True}, 25, "t.csv")
    assert all(hidden.apply(noise, number) is not noise for number in range(61, 150))
    assert hidden.apply(noise, 159 + 30) is not noise
    assert hidden.apply(noise, 159 + 32) is noise


def test_in_a_gap_of_ten_seconds_nobody_guesses_where_the_object_is(table, noise) -> None:
    hidden = HiddenClasses(table([(10, 1, BOX), (110, 1, BOX)]), {"person": True}, 10, "t.csv")
    assert hidden.apply(noise, 60) is noise
    assert hidden.apply(noise, 14) is not noise
    assert hidden.apply(noise, 106) is not noise


def test_a_track_that_was_once_of_the_class_is_hidden_in_all_its_frames(table, noise) -> None:
    rows = [(number, 1, BOX) for number in range(1, 11)]
    hidden = HiddenClasses(table(rows, labels=[1] * 9 + [0]), {"person": True}, 10, "t.csv")
    assert hidden.apply(noise, 2) is not noise


def test_other_classes_stay_as_they_are_and_the_picture_given_is_not_changed(table, noise) -> None:
    before = noise.copy()
    hidden = HiddenClasses(
        table([(1, 1, BOX), (1, 2, (200, 10, 240, 40))], labels=[0, 1]), {"car": False}, 10, "t"
    )
    assert touched(noise, hidden.apply(noise, 1))[0] > 180
    assert (noise == before).all()


def test_groups_of_classes_and_any_capitals_are_understood(table, noise) -> None:
    for name in ("people", "Person"):
        assert HiddenClasses(table([(1, 1, BOX)]), {name: True}, 10, "t").apply(noise, 1) is not noise


@pytest.mark.parametrize("name", ["face", "persn"])
def test_a_class_that_no_track_has_is_refused_with_the_names_there_are(table, name) -> None:
    with pytest.raises(UsageError, match=rf"no track of t\.csv is of the class '{name}'.*: person$"):
        HiddenClasses(table([(1, 1, BOX)]), ways_of([name], ()), 10, "t.csv")


def test_a_class_that_only_the_network_knows_is_refused_and_a_group_means_the_classes_that_are_there(
    table, noise
) -> None:
    rows = table([(1, 1, BOX)], labels=[1], names=("person", "car", "giraffe", "bus"))
    with pytest.raises(UsageError, match=r"nothing of it could be hidden; its classes: car$"):
        HiddenClasses(rows, {"giraffe": True}, 10, "t.csv")
    assert HiddenClasses(rows, {"vehicles": True}, 10, "t.csv").apply(noise, 1) is not noise
