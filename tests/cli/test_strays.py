"""An option of one command that is given to another."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("detect", "x.mp4", "--duration", "3"),
            "rtdet detect has no option --duration: it is one of rtdet without a command, ",
        ),
        (
            ("--epochs", "3"),
            "rtdet without a command has no option --epochs: it is one of rtdet train; see rtdet -h",
        ),
        (("train", "--out", "y", "--out-dir", "x"), "No such option '--out-dir'."),
        (("eval", "detect", "--demo-frames", "3"), "it is one of rtdet train; see rtdet eval detect -h"),
    ],
)
def test_says_whose_it_is_or_what_is_like_it(rtdet, arguments, said):
    done = rtdet(*arguments)
    assert done.code == 2
    (line,) = done.errors
    assert said in line


def test_of_many_commands_the_first_are_named(rtdet):
    (line,) = rtdet("--fps", "3").errors
    assert "it is one of rtdet track, " in line
    assert " more; see rtdet -h" in line
