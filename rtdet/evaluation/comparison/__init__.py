"""Several detectors on the same pictures and the same machine: how good each is, and how quick."""

from __future__ import annotations

from rtdet.evaluation.comparison.compare import Compared, Comparison, classes_of_all, compare
from rtdet.evaluation.comparison.page import render_comparison
from rtdet.evaluation.comparison.table import print_comparison

__all__ = [
    "Compared",
    "Comparison",
    "classes_of_all",
    "compare",
    "print_comparison",
    "render_comparison",
]
