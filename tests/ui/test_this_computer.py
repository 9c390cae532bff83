"""Help > This computer: the report of rtdet doctor in a dialog, made by a worker."""

from __future__ import annotations

import threading
import time

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QLabel

from rtdet.doctor.report import NOTE, PROBLEM, Finding, Part, Report
from rtdet.ui.this_computer import ThisComputerDialog
from rtdet.viewer.jobs import Jobs

REPORT = Report(
    (
        Part("Devices", (Finding("cpu", "60 frames/s"), Finding("npu", "no driver", PROBLEM, "install it"))),
        Part("Cameras", (Finding("cameras", "none found", NOTE, "plug one in"),)),
    )
)


@pytest.fixture
def jobs():
    made = Jobs(lambda error: pytest.fail(str(error)))
    yield made
    made.join(5)


def opened(qtbot, jobs, examine) -> ThisComputerDialog:
    dialog = ThisComputerDialog(None, examine, jobs.run)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.open()
    return dialog


def drained(qtbot, jobs, condition) -> None:
    def done() -> bool:
        jobs.drain()
        return condition()

    qtbot.waitUntil(done)


def texts(dialog) -> list[str]:
    return [label.text() for label in dialog.area.findChildren(QLabel)]


def test_the_report_is_shown_with_its_remedies_and_can_be_copied(qtbot, jobs):
    dialog = opened(qtbot, jobs, lambda began: REPORT)
    drained(qtbot, jobs, lambda: dialog.report is not None)
    assert dialog.headline.text() == "1 problem, 1 note"
    assert {"DEVICES", "CAMERAS", "60 frames/s", "→ install it", "✗"} <= set(texts(dialog))
    assert not dialog.bar.isVisible()
    dialog.copy_button.click()
    copied = QGuiApplication.clipboard().text()
    assert copied.splitlines() == REPORT.lines()


def test_while_it_looks_it_says_at_what_and_the_window_stays_responsive(qtbot, jobs):
    goes_on = threading.Event()

    def examine(began):
        assert threading.current_thread() is not threading.main_thread()
        began("Devices")
        goes_on.wait(10)
        return REPORT

    dialog = opened(qtbot, jobs, examine)
    qtbot.waitUntil(lambda: dialog.headline.text() == "Looking at this computer: devices…")
    assert not dialog.copy_button.isEnabled()
    goes_on.set()
    drained(qtbot, jobs, lambda: dialog.report is not None)
    assert dialog.copy_button.isEnabled()


def test_it_looks_again_when_asked(qtbot, jobs):
    counted = []
    dialog = opened(qtbot, jobs, lambda began: counted.append(1) or REPORT)
    drained(qtbot, jobs, lambda: dialog.report is not None)
    dialog.report = None
    dialog.again_button.click()
    drained(qtbot, jobs, lambda: dialog.report is not None)
    assert len(counted) == 2


def test_closed_before_the_end_it_is_left_alone(qtbot, jobs):
    goes_on = threading.Event()

    def examine(began):
        goes_on.wait(10)
        return REPORT

    dialog = opened(qtbot, jobs, examine)
    dialog.reject()
    goes_on.set()
    deadline = time.monotonic() + 5
    while jobs.is_busy and time.monotonic() < deadline:
        time.sleep(0.01)
    jobs.drain()
    assert dialog.report is None


def test_an_examination_that_fails_is_one_line(qtbot, jobs):
    def examine(began):
        raise RuntimeError("rtsp://me:verysecret9@cam failed")

    from rtdet.address import Address

    Address.parse("rtsp://me:verysecret9@cam")
    dialog = opened(qtbot, jobs, examine)
    drained(qtbot, jobs, lambda: dialog.headline.text().startswith("It could not be looked at"))
    assert "verysecret9" not in dialog.headline.text()


def test_the_menu_opens_it_over_the_real_examination(qtbot, open_window):
    window = open_window()
    window.actions_["this_computer"].trigger()
    dialog = window.findChild(ThisComputerDialog)
    qtbot.waitUntil(lambda: dialog.report is not None, timeout=120_000)
    assert any("frames/s with rtdet-n" in text for text in texts(dialog))
    dialog.close()
