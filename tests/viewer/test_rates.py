"""How numbers on screen are written."""

from __future__ import annotations

from rtdet.viewer.rates import age_text, clock


def test_times_and_ages_read_well() -> None:
    assert [clock(0), clock(75.5), clock(3723), clock(5.25, tenths=True)] == [
        "0:00",
        "1:15",
        "1:02:03",
        "0:05.2",
    ]
    assert [age_text(None), age_text(41.6), age_text(2345)] == ["-", "42 ms", "2.3 s"]
