"""The report of a measurement: one HTML file that a browser opens without a network, and a picture of the curves."""

from __future__ import annotations

from rtdet.evaluation.report.page import render_report
from rtdet.evaluation.report.picture import curves_as_png

__all__ = ["curves_as_png", "render_report"]
