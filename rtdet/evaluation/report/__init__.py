"""The HTML report of a measurement: one file that a browser opens without a network."""

from __future__ import annotations

from rtdet.evaluation.report.page import render_report

__all__ = ["render_report"]
