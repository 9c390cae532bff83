"""Votes on a track's class."""

from __future__ import annotations

import numpy as np

from rtdet.trackers.votes import ClassVotes


def test_it_counts_as_a_plain_sum_does():
    rng = np.random.default_rng(0)
    votes, sums = ClassVotes(), [{} for _ in range(5)]
    first, scores = rng.integers(0, 4, 5), rng.uniform(0.1, 1, 5)
    votes.begin(first.astype(float), scores)
    for track in range(5):
        sums[track][first[track]] = scores[track]
    current = first.astype(float)
    for _ in range(60):
        columns = rng.permutation(5)[:3]
        labels, scores = rng.integers(0, 4, 3), rng.uniform(0.1, 1, 3)
        current[columns] = votes.vote(columns, labels.astype(float), scores, current[columns])
        for column, label, score in zip(columns, labels, scores, strict=True):
            sums[column][label] = sums[column].get(label, 0) + score
    assert current.tolist() == [max(each, key=each.get) for each in sums]


def test_where_two_are_level_the_class_stays():
    votes = ClassVotes()
    votes.begin(np.array([7.0]), np.array([0.5]))
    column, half = np.array([0]), np.array([0.5])
    assert votes.vote(column, np.array([2.0]), half, np.array([7.0])) == [7]
    assert votes.vote(column, np.array([2.0]), half, np.array([7.0])) == [2]
    assert votes.vote(column, np.array([7.0]), half, np.array([2.0])) == [2]


def test_tracks_that_go_take_their_votes_with_them():
    votes = ClassVotes()
    votes.begin(np.array([1.0, 2.0]), np.array([0.5, 0.9]))
    votes.keep(np.array([False, True]))
    votes.begin(np.array([1.0]), np.array([0.4]))
    current = votes.vote(np.array([0, 1]), np.array([1.0, 2.0]), np.array([0.8, 0.5]), np.array([2.0, 1.0]))
    assert current.tolist() == [2, 2]


def test_a_class_that_only_ever_scored_nothing_is_still_that_of_its_track():
    votes = ClassVotes()
    votes.begin(np.array([2.0]), np.array([0.0]))
    votes.begin(np.array([0.0]), np.array([0.9]))
    assert votes.vote(np.array([0]), np.array([1.0]), np.array([0.0]), np.array([2.0])) == [2]
    assert votes.vote(np.array([0]), np.array([1.0]), np.array([0.1]), np.array([2.0])) == [1]
