"""The report of a measurement: one HTML file that a browser opens without a network, a picture of the curves, and a
table for the terminal."""

from __future__ import annotations

from rtdet.evaluation.report.page import render_report
from rtdet.evaluation.report.picture import curves_as_png
from rtdet.evaluation.report.terminal import print_scores

__all__ = ["curves_as_png", "print_scores", "render_report"]
