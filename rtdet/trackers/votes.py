"""Decides the class of each track by a vote of its detections."""

from __future__ import annotations

import numpy as np

from rtdet.types import BoolArray, FloatArray, IntArray

# A vote counts for at least this, so that no track is without a class.
LEAST = 1e-9


class ClassVotes:
    """For each track (a column) and each class that a living track was ever taken for, the sum of the scores.

    A track's class changes only when another has more: where two are level, it stays.
    """

    def __init__(self) -> None:
        self._labels = np.zeros(0)
        self._weight = np.zeros((0, 0))

    def keep(self, tracks: BoolArray) -> None:
        self._weight = self._weight.compress(tracks, axis=1)

    def begin(self, labels: FloatArray, scores: FloatArray) -> None:
        """Adds K new tracks, as columns to the right of the existing ones."""
        old = self._weight.shape[1]
        self._learn(labels)
        weight = np.zeros((len(self._labels), old + len(labels)))
        weight[:, :old] = self._weight
        self._weight = weight
        weight[self._labels.searchsorted(labels), np.arange(old, old + len(labels))] = np.maximum(
            scores, LEAST
        )

    def vote(
        self, columns: IntArray, labels: FloatArray, scores: FloatArray, current: FloatArray
    ) -> FloatArray:
        """Takes in one detection for each of `columns` (K,); the classes (K,) of these tracks, so far `current`."""
        self._learn(labels)
        self._weight[self._labels.searchsorted(labels), columns] += np.maximum(scores, LEAST)
        if len(self._labels) <= 1:
            return current
        weight = self._weight.take(columns, axis=1)
        best = weight.argmax(axis=0)
        every = np.arange(len(columns))
        more = weight[best, every] > weight[self._labels.searchsorted(current), every]
        return np.where(more, self._labels.take(best), current)

    def _learn(self, labels: FloatArray) -> None:
        """Makes room for new classes; drops those that no living track was taken for."""
        if len(self._labels) == 1 and (labels == self._labels[0]).all():
            return
        place = np.minimum(self._labels.searchsorted(labels), max(len(self._labels) - 1, 0))
        if len(self._labels) and (self._labels.take(place) == labels).all():
            return
        known = self._weight.any(axis=1)
        names = np.union1d(self._labels[known], labels)
        weight = np.zeros((len(names), self._weight.shape[1]))
        weight[names.searchsorted(self._labels[known])] = self._weight[known]
        self._labels, self._weight = names, weight
