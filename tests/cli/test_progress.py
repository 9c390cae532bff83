from __future__ import annotations

import io

from rtdet.cli.progress import _Lines, progress


def test_on_a_pipe_progress_is_a_line_now_and_then():
    now = [0.0]
    stream = io.StringIO()
    lines = _Lines("labelling", 1000, stream, lambda: now[0])
    for _ in range(1000):
        now[0] += 1.0
        lines.tick()
    said = stream.getvalue().splitlines()
    assert said[0] == "labelling: 10 of 1000, 16 min 30 s left"
    assert 20 < len(said) < 60
    assert "1000 of 1000" not in said[-1]  # what follows says that it is done


def test_what_takes_no_time_or_is_quiet_says_nothing(capsys):
    for quiet in (False, True):
        with progress("labelling", 2, quiet) as tick:
            tick()
            tick()
    assert capsys.readouterr().err == ""
