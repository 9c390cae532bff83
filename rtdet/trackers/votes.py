"""Decides the class of each track by a vote of its detections."""

from __future__ import annotations

import numpy as np

from rtdet.types import BoolArray, FloatArray, IntArray

# A vote counts for at least this, so that no track is without a class.
LEAST = 1e-9


class ClassVotes:
    """For each track (a column) and each class that a living track was ever taken for, the sum of the scores.

    A track's class changes only when another has more: where two are level, it stays. So no other ever has more than
    the class that a track has, and a vote for that one changes nothing.
    """

    def __init__(self) -> None:
        self._labels = np.zeros(0)
        self._weight = np.zeros((0, 0))

    def keep(self, tracks: BoolArray) -> None:
        self._weight = self._weight.compress(tracks, axis=1)

    def begin(self, labels: FloatArray, scores: FloatArray) -> None:
        """Adds K new tracks, as columns to the right of the existing ones."""
        old = self._weight.shape[1]
        place = self._learn(labels)
        weight = np.zeros((len(self._labels), old + len(labels)))
        weight[:, :old] = self._weight
        self._weight = weight
        weight[place, np.arange(old, old + len(labels))] = np.maximum(scores, LEAST)

    def vote(
        self, columns: IntArray, labels: FloatArray, scores: FloatArray, current: FloatArray
    ) -> FloatArray:
        """Takes in one detection for each of `columns` (K,); the classes (K,) of these tracks, so far `current`."""
        place = self._learn(labels)
        if len(self._labels) == 1:
            weight = self._weight[0]
            weight[columns] += np.maximum(scores, LEAST)
            return current
        self._weight[place, columns] += np.maximum(scores, LEAST)
        other = (labels != current).nonzero()[0]
        if len(other) == 0:
            return current
        weight = self._weight.take(columns.take(other), axis=1)
        before, best, every = current.take(other), weight.argmax(axis=0), np.arange(len(other))
        more = weight[best, every] > weight[self._labels.searchsorted(before), every]
        voted = current.copy()
        voted[other] = np.where(more, self._labels.take(best), before)
        return voted

    def _learn(self, labels: FloatArray) -> IntArray:
        """The rows of these classes. Makes room for new ones, and then drops those that no living track was taken
        for."""
        if len(self._labels):
            place = self._labels.searchsorted(labels)
            np.minimum(place, len(self._labels) - 1, out=place)
            if np.count_nonzero(self._labels.take(place) == labels) == len(labels):
                return place
        known = self._weight.any(axis=1)
        names = np.union1d(self._labels[known], labels)
        weight = np.zeros((len(names), self._weight.shape[1]))
        weight[names.searchsorted(self._labels[known])] = self._weight[known]
        self._labels, self._weight = names, weight
        return names.searchsorted(labels)
