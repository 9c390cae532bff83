"""The viewer for real: its own process on an X server, worked by mouse and keyboard, seen from outside."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtdet.demo import DemoScene

SIZE = 1280, 800
NEEDED = ("Xvfb", "xdotool", "ffmpeg")

pytestmark = [
    pytest.mark.x11,
    pytest.mark.skipif(
        not all(map(shutil.which, NEEDED)),
        reason=f"needs {', '.join(filter(lambda name: not shutil.which(name), NEEDED))}; see `make setup`",
    ),
]


@pytest.fixture
def display() -> Iterator[str]:
    """An X server of our own on a free display. It does not begin anew when its last client leaves, as xdotool does
    all the time: who comes at that moment would be turned away."""
    reading, writing = os.pipe()
    screen = f"{SIZE[0]}x{SIZE[1]}x24"
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", screen, "-nolisten", "tcp", "-noreset"],
        pass_fds=[writing], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    with os.fdopen(reading) as answer:
        number = answer.readline().strip()
    assert number, "Xvfb did not start"
    yield f":{number}"
    server.terminate()
    server.wait(10)


class Person:
    """Someone in front of the screen."""

    def __init__(self, display: str, folder: Path) -> None:
        self._display, self._folder = display, folder
        self._environment = {**os.environ, "DISPLAY": display}

    def do(self, *words: str) -> str:
        done = subprocess.run(
            ["xdotool", *words],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        return done.stdout.strip()

    def look(self) -> np.ndarray:
        path = self._folder / "screen.png"
        subprocess.run(
            ["ffmpeg", "-v", "error", "-y", "-f", "x11grab", "-video_size", f"{SIZE[0]}x{SIZE[1]}",
             "-i", self._display, "-frames:v", "1", str(path)],
            check=True, timeout=20,
        )  # fmt: skip
        return cv2.imread(str(path))


def wait_for(condition: Callable[[], object], what: str, timeout_s: float = 60.0):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    pytest.fail(f"{what} did not come")


def is_complete(png: Path) -> bool:
    return png.read_bytes()[-8:-4] == b"IEND"


def stands_still(person: Person) -> bool:
    before = person.look()
    time.sleep(0.2)
    return bool((before[:600, :900] == person.look()[:600, :900]).all())


def test_a_person_plays_pauses_drags_keeps_a_picture_and_closes(display, tmp_path, viewer_script) -> None:
    person = Person(display, tmp_path)
    environment = {
        **os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "HOME": str(tmp_path),
        "PYTHONPATH": str(viewer_script.parents[2]),
    }  # fmt: skip
    viewer = subprocess.Popen(
        [sys.executable, str(viewer_script), "--settings", str(tmp_path / "viewer.ini"), "--size", "640x360",
         "--seconds", "60"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        window = wait_for(lambda: person.do("search", "--name", "^demo - rtdet$"), "the window").split()[-1]
        person.do("windowfocus", window)
        wait_for(lambda: person.look()[100:600, 50:900].std() > 20, "the picture")
        picture = person.look()
        # Dark controls around it, and colours in it: nothing is blank.
        assert picture[:, 1150:1280].mean() < 80
        assert len(np.unique(picture[100:600, 50:900].reshape(-1, 3), axis=0)) > 500
        assert not stands_still(person)

        person.do("key", "space")
        wait_for(lambda: stands_still(person), "the pause")
        before = person.look()
        left, right, y = 255, 935, 750
        person.do("mousemove", str(left + 10), str(y), "mousedown", "1")
        for x in range(left + 60, (left + right) // 2 + 1, 60):
            person.do("mousemove", str(x), str(y))
        person.do("mousemove", str((left + right) // 2), str(y), "mouseup", "1")
        wait_for(lambda: (person.look()[100:600, 50:900] != before[100:600, 50:900]).any(), "another picture")
        wait_for(lambda: stands_still(person), "the end of the drag")

        person.do("key", "b", "key", "n", "key", "t", "key", "s")
        pictures = tmp_path / "Pictures"
        shot = wait_for(lambda: [p for p in pictures.glob("*.png") if is_complete(p)], "the snapshot")[0]
        assert_is_frame_near(cv2.imread(str(shot)), 0.5)

        person.do("key", "ctrl+q")
        output, _ = viewer.communicate(timeout=60)
        assert viewer.returncode == 0, output
        assert "Traceback" not in output
        assert (tmp_path / "viewer.ini").is_file()
    finally:
        viewer.kill()
        viewer.communicate()


def assert_is_frame_near(picture: np.ndarray, part: float) -> None:
    """The picture is exactly one of the demo's, somewhere near that part of its length."""
    scene = DemoScene(3, 640, 360, 25.0, 60.0, False)
    middle = round(scene.frame_count * part)
    reach = round(scene.frame_count * 0.06)
    near = sorted(range(middle - reach, middle + reach), key=lambda i: abs(i - middle))
    assert any((scene.render(i) == picture).all() for i in near), "no frame near there looks like that"


def window_of(person: Person) -> str:
    return person.do("search", "--name", "^demo - rtdet$")


def test_the_command_line_opens_a_window_that_plays_and_ctrl_c_closes_it(
    display, tmp_path, viewer_script
) -> None:
    person = Person(display, tmp_path)
    environment = {
        **os.environ, "DISPLAY": display, "HOME": str(tmp_path), "PYTHONPATH": str(viewer_script.parents[2]),
    }  # fmt: skip
    environment.pop("QT_QPA_PLATFORM", None)  # as on a desk: Qt finds the display by itself
    viewer = subprocess.Popen(
        [sys.executable, "-m", "rtdet", "--source", "demo", "--show", "--tracks", "o.jsonl", "--stats", "o.json"],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        wait_for(lambda: viewer.poll() is not None or window_of(person), "the window", 60.0)
        assert viewer.poll() is None, viewer.communicate()
        wait_for(lambda: person.look()[100:600, 50:900].std() > 20, "the picture")
        assert not stands_still(person)
        wait_for(lambda: (tmp_path / "o.jsonl").exists(), "the tracks")
        viewer.send_signal(signal.SIGINT)
        output, _ = viewer.communicate(timeout=60)
        assert viewer.returncode == 130, output
        assert "Traceback" not in output
        assert json.loads((tmp_path / "o.json").read_text())["frames"]["shown"] > 0
        assert all(json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines())
    finally:
        viewer.kill()
        viewer.communicate()
