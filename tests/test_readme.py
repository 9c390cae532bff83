"""The README's commands run as they stand, one after another, in a folder that has what the README says it has."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import av
import cv2
import pytest

from rtdet.demo import DemoScene
from tests.conftest import ROOT
from tests.detectors.tiny_yolox import save_tiny_yolox

# Commands that no test can run as they stand, and why.
EXCUSED = {
    "webcam": "needs a camera",
    "rtsp://": "needs a camera on the network",
    "models pull": "needs the network",
    "--offline": "needs the model that the command before it fetches",
    "--resume [": "shows an option in brackets",
    "ghostnet_100": "a network of timm's takes half a minute to build; tests/detectors/ssd/test_backbones.py does",
    "tracks merge": "which two IDs are one object, only the reader knows; tests/cli/test_tracks.py runs it",
    "cameras.toml": "needs cameras; tests/test_source_list.py reads such files",
    "rtdet batch": "works through folders of the reader; tests/batch runs it",
    "--precision int8": "needs NNCF; tests/cli/test_export_int8.py runs it",
    "rtdet bench": "takes half a minute; tests/cli/test_bench.py runs it",
    "rtdet doctor": "tells of the machine, not of rtdet; tests/doctor runs it",
    "intel-gpu": "needs a GPU of Intel's",
    "GT_ROOT": "stands for a folder of yours; tests/cli/test_eval_track.py runs it",
}
# A training that ends in seconds.
SHORT_TRAINING = ["--steps", "3", "--size", "64", "--batch", "2"]


def _commands() -> list[list[str]]:
    """Every rtdet command of the README, in order, without the comment behind it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"^    (?:\$ )?(rtdet .*)$", text, re.MULTILINE)
    lines += re.findall(r"`(rtdet [^`]*--save [^`]*)`", text.replace("\n", " "))[:1]
    return [shlex.split(line, comments=True) for line in lines]


def _excuse(command: list[str]) -> str | None:
    line = " ".join(command)
    return next((why for part, why in EXCUSED.items() if part in line), None)


@pytest.fixture
def folder(tmp_path, squares) -> Path:
    """street.mp4, pictures, labelled pictures, labelled streets, detections: what stands for the reader's own."""
    scene = DemoScene(seed=0, width=640, height=360, fps=20.0, duration_s=6.0)
    with av.open(str(tmp_path / "street.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=20, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for index in range(scene.frame_count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(scene.render(index), format="bgr24")))
        container.mux(stream.encode(None))
    for name in ("cats.mp4", "drone.mp4"):
        shutil.copy(tmp_path / "street.mp4", tmp_path / name)
    squares.rename(tmp_path / "my-pictures")
    for name in ("pictures", "photos"):
        shutil.copytree(tmp_path / "my-pictures" / "images", tmp_path / name)
    _label_street(scene, tmp_path / "labelled-streets")
    _sort_by_kind(squares.parent / "pictures", tmp_path / "kinds")
    shutil.copytree(tmp_path / "kinds", tmp_path / "other-kinds")
    rows = tmp_path / "MOT17-02" / "det" / "det.txt"
    rows.parent.mkdir(parents=True)
    rows.write_text("".join(f"{frame},-1,{10 + frame},20,30,60,0.9\n" for frame in range(1, 20)))
    save_tiny_yolox(tmp_path / "yolox_nano.onnx", names="{0: 'person', 1: 'car'}")
    _write_shown_files(tmp_path)
    return tmp_path


def _write_shown_files(folder: Path) -> None:
    """The files that the README shows: from `$ cat NAME` to the next command."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name, content in re.findall(r"^    \$ cat (\S+)\n(.*?)^    rtdet ", text, re.MULTILINE | re.DOTALL):
        (folder / name).write_text(content)


def _sort_by_kind(pictures: Path, folder: Path) -> None:
    """The pictures, by turns, into the folders of two classes."""
    for number, picture in enumerate(sorted(pictures.iterdir())):
        of_class = folder / ("cat", "dog")[number % 2]
        of_class.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, of_class)


def _label_street(scene: DemoScene, folder: Path) -> None:
    """One frame with its true people, as COCO JSON."""
    folder.mkdir()
    cv2.imwrite(str(folder / "0.png"), scene.render(0))
    boxes = [
        {"image_id": 0, "category_id": 1, "bbox": [left, top, right - left, bottom - top]}
        for left, top, right, bottom in scene.truth(0).boxes.tolist()
    ]
    images = [{"id": 0, "file_name": "0.png", "width": 640, "height": 360}]
    content = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "person"}]}
    (folder / "labels.json").write_text(json.dumps(content))


def _is_of_networks(command: list[str]) -> bool:
    """Whether it makes a network or takes one that another has made: those take minutes together."""
    return command[1] in ("train", "export", "compare") or any("runs/" in word for word in command)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("all_of_them", [False, pytest.param(True, marks=pytest.mark.long)])
def test_every_command_of_the_readme_runs_or_is_excused(all_of_them, folder):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RTDET_CACHE": str(folder / "cache")}
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        environment.pop(name, None)
    ran = 0
    for command in _commands():
        if _excuse(command) or (_is_of_networks(command) and not all_of_them):
            continue
        more = SHORT_TRAINING if command[1] == "train" else []
        done = subprocess.run(
            [sys.executable, "-m", *command, *more],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (shlex.join(command), done.stderr)
        ran += 1
    assert ran > 15


def test_no_excuse_has_outlived_its_command():
    lines = [" ".join(command) for command in _commands()]
    for part in EXCUSED:
        assert any(part in line for line in lines), part
