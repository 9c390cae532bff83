"""What reaches a terminal."""

from __future__ import annotations

import io
import logging
import sys

from rtdet.cli.console import say_error, show_messages
from rtdet.terminal import console, rate, say

EVIL = "a\x1b]0;owned\x07\x1b[2Jb\x9b31m\u202ec"


def test_what_is_said_has_no_escape_sequences(capsys):
    say(f"wrote {EVIL}")
    say_error(EVIL)
    said = capsys.readouterr()
    assert said.out == "wrote a?]0;owned??[2Jb?31m?c\n"
    assert not set(said.err) & {"\x1b", "\x07", "\x9b", "\u202e"}


def test_names_that_are_not_utf8_can_be_said(capsys):
    say("d\udcef.png", err=True)
    assert capsys.readouterr().err == "d?.png\n"


def test_a_table_has_its_own_colors_and_nobody_elses():
    from rich.table import Table
    from rich.text import Text

    stream = io.StringIO()
    table = Table(title=Text(EVIL))
    table.add_column("class", style="red")
    table.add_row(Text(EVIL))
    console(file=stream, force_terminal=True, color_system="standard", width=80).print(
        table, EVIL, markup=False
    )
    said = stream.getvalue()
    assert "\x1b[31m" in said
    assert "\x1b]0;" not in said
    assert "\x1b[2J" not in said
    assert not set(said) & {"\x07", "\x9b", "\u202e"}


def test_a_warning_is_one_line_without_escape_sequences(capsys):
    logger = logging.getLogger("rtdet")
    before = logger.handlers[:], logger.propagate
    try:
        show_messages()
        logging.getLogger("rtdet.video").warning("%s is damaged\nrtdet: all is well", EVIL)
    finally:
        logger.handlers[:], logger.propagate = before
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "\x1b" not in said


def test_lines_of_several_threads_stay_lines(monkeypatch):
    written = []

    class Stream(io.StringIO):
        def write(self, text):
            written.append(text)
            return len(text)

    monkeypatch.setattr(sys, "stderr", Stream())
    say("a line", err=True)
    assert [text for text in written if text] == ["a line\n"]


def test_a_rate_below_ten_has_a_decimal() -> None:
    assert [rate(value) for value in (0.4, 9.94, 9.96, 24.4)] == [
        "0.4 frames/s",
        "9.9 frames/s",
        "10 frames/s",
        "24 frames/s",
    ]
