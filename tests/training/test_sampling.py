from __future__ import annotations

import numpy as np
import pytest

from rtdet.training.sampling import Order, repeat_factors


def test_pictures_with_a_rare_class_are_repeated_by_the_square_root_of_its_rarity():
    labels = [np.array([0])] * 96 + [np.array([0, 1, 1])] * 4
    factors = repeat_factors(labels, 0.16)
    np.testing.assert_allclose(factors, [1.0] * 96 + [2.0] * 4)
    np.testing.assert_allclose(repeat_factors(labels, 0), np.ones(100))


def test_pictures_without_objects_and_foreign_labels_are_shown_once():
    factors = repeat_factors([np.zeros(0, np.int64), np.array([-1]), np.array([2])], 0.9)
    np.testing.assert_allclose(factors, [1, 1, np.sqrt(2.7)])
    assert len(repeat_factors([], 0.1)) == 0


def test_each_epoch_shows_every_picture_in_another_order():
    order = Order(np.ones(10), seed=3)
    epochs = [[order.at(10 * epoch + i) for i in range(10)] for epoch in range(3)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1]


def test_a_picture_comes_its_weight_rounded_up_or_down_times_an_epoch():
    order = Order(np.array([1.0, 2.5, 1.0, 1.5]), seed=0)
    assert order.epoch_length == 6
    seen = np.array([[order.at(6 * epoch + i) for i in range(6)] for epoch in range(200)])
    counts = np.stack([(seen == picture).sum(axis=1) for picture in range(4)])
    assert set(counts[0]) == {1}
    assert set(counts[1]) == {2, 3}
    assert counts[1].mean() == pytest.approx(2.5, abs=0.15)


def test_the_order_follows_from_the_seed_and_the_position_alone():
    one, other = Order(np.ones(7), seed=1), Order(np.ones(7), seed=1)
    later = [other.at(position) for position in reversed(range(30))][::-1]
    assert [one.at(position) for position in range(30)] == later
    assert later != [Order(np.ones(7), seed=2).at(position) for position in range(30)]
