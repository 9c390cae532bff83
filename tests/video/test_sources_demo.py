"""The rendered street, played."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from rtdet.protocols import SeekableSource, SourceState
from rtdet.video.sources.demo import DemoSource


def test_the_source_gives_every_frame_with_its_time_and_ends() -> None:
    source = DemoSource(width=160, height=120, fps=30.0, duration_s=0.5, seed=2)
    assert isinstance(source, SeekableSource)
    assert (source.info.name, source.info.frame_count, source.info.fps) == ("demo", 15, 30.0)
    assert source.info.is_seekable
    assert not source.info.is_live
    frames = [source.read() for _ in range(15)]
    for i, frame in enumerate(frames):
        assert frame is not None
        assert (frame.index, frame.pts, frame.time_base, frame.size) == (i, i, Fraction(1, 30), (160, 120))
        assert frame.t == pytest.approx(i / 30)
        assert np.array_equal(frame.bgr, source.scene.render(i))
    assert source.state is SourceState.OPEN
    assert source.read() is None
    assert source.read() is None
    assert source.state is SourceState.ENDED


def test_seek_finds_the_frame_of_that_time_and_reopens_the_end() -> None:
    source = DemoSource(width=160, height=120, fps=25.0, duration_s=4.0)
    for t, index in ((2.0, 50), (0.0, 0), (3.95, 99), (99.0, 99), (-1.0, 0), (1.01, 25)):
        source.seek(t)
        frame = source.read()
        assert frame is not None
        assert frame.index == index
    source.seek(99.0)
    source.read()
    assert source.read() is None
    source.seek(1.0)
    assert source.state is SourceState.OPEN
    assert source.read() is not None


def test_a_closed_source_gives_no_more_frames() -> None:
    source = DemoSource(width=160, height=120)
    assert source.read() is not None
    source.close()
    source.close()
    assert source.read() is None
    assert source.state is SourceState.ENDED
