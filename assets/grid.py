#!/usr/bin/env python3
"""Draws grid.png, the README's picture of several sources: rendered streets that stand for cameras, with the boxes of
their truth.

usage: python assets/grid.py [OUT.png]
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PIL import Image
from PyQt6.QtCore import QBuffer, QIODevice
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from rtdet.build import build_services
from rtdet.config import RunConfig
from rtdet.demo import CLASS_NAMES, DemoScene
from rtdet.errors import SourceError
from rtdet.protocols import SourceState
from rtdet.source_list import NamedRun
from rtdet.types import Detections, Frame, SourceInfo, Thresholds
from rtdet.ui import make_window
from rtdet.ui.theme import apply_theme

NAMES = ("Market street", "Station", "Front door", "Yard", "Bridge", "School")
LOST, PAUSED = "Yard", "School"
FPS, SECONDS, SIZE = 15.0, 6.0, (640, 360)


class Camera:
    """A street in a loop, live; that of LOST is lost in the end, and cannot be opened again."""

    def __init__(self, name: str, pictures: list) -> None:
        self.info = SourceInfo(name, *SIZE, FPS, None, None, is_live=True, is_seekable=False, detail="")
        self.state = SourceState.OPEN
        self._name, self._pictures, self._closed = name, pictures, threading.Event()
        self._began, self._next = time.monotonic(), 0

    def read(self) -> Frame | None:
        i, self._next = self._next, self._next + 1
        if self._closed.wait(max(self._began + i / FPS - time.monotonic(), 0.0)):
            return None
        if self._name == LOST and i == len(self._pictures):
            lost.add(LOST)
            raise SourceError("rtsp://yard.local/live was lost: it sent nothing for 30 s")
        return Frame(self._pictures[i % len(self._pictures)], i / FPS, i, time.monotonic())

    def close(self) -> None:
        self._closed.set()


class Knowing:
    """A detector that finds what is there."""

    class_names, thresholds = CLASS_NAMES, Thresholds()

    def __init__(self, known: dict[bytes, Detections]) -> None:
        self._known = known

    def detect(self, images: list) -> list[Detections]:
        return [self._known[key_of(image)] for image in images]

    def close(self) -> None:
        pass


lost: set[str] = set()


def key_of(image: np.ndarray) -> bytes:
    return np.ascontiguousarray(image[::7, ::11]).tobytes()


def main() -> None:
    app = QApplication(["rtdet"])
    apply_theme(app)
    scenes = {name: DemoScene(seed, *SIZE, FPS, SECONDS + 4, False) for seed, name in enumerate(NAMES, 1)}
    pictures = {
        name: [scene.render(i) for i in range(int(4 * FPS), int((4 + SECONDS) * FPS))]
        for name, scene in scenes.items()
    }

    known = {}
    for name, scene in scenes.items():
        for i, picture in enumerate(pictures[name], int(4 * FPS)):
            truth = scene.truth(i)
            known[key_of(picture)] = Detections(
                truth.boxes, np.full(len(truth), 0.9, np.float32), truth.labels, CLASS_NAMES
            )

    def open_source(config: RunConfig) -> Camera:
        name = config.source.rpartition("/")[2]
        if name in lost:
            raise SourceError("rtsp://yard.local/live was lost: it sent nothing for 30 s")
        return Camera(name, pictures[name])

    streets = ("person", "bicycle", "car", "motorcycle", "bus", "truck")
    runs = [NamedRun(name, RunConfig(source=f"rtsp://{name}", classes=streets)) for name in NAMES]
    product = build_services(source_opener=open_source, make_detector=lambda _config: Knowing(known))
    services = replace(product, model_names=lambda: ["rtdet-n"])
    with tempfile.TemporaryDirectory() as folder:
        window = make_window(runs[0].config, services, beside=runs, settings_path=Path(folder, "viewer.ini"))
        window.resize(1280, 570)
        window.show()
        for run, session in zip(runs, window.sources.sessions, strict=True):
            session.open(run.config.source)
        QTest.qWait(round(1000 * (SECONDS + 3)))
        window.pages.pages[NAMES.index(PAUSED)].session.toggle_play()
        QTest.qWait(1200)
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        window.grab().save(buffer, "PNG")
        window.end()
    picture = Image.open(io.BytesIO(bytes(buffer.data().data()))).convert("RGB")
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("grid.png")
    picture.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(out, optimize=True)


if __name__ == "__main__":
    main()
