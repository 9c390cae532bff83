"""`rtdet batch`: what is refused before anything begins."""

from __future__ import annotations


def test_counts_without_zones_are_one_line_before_anything_begins(rtdet, clip, tmp_path):
    out = tmp_path / "out"
    printed = rtdet("batch", clip, "--out", out, "--counts", "csv")
    assert printed.code == 2
    assert "--counts needs --zones" in printed.err
    assert not out.exists()
