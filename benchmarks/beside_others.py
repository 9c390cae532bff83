"""Headless frames per second beside other tools: the same clip, the same network where they load it, in turns.

With YOLOX-nano (ONNX, 416x416 letterbox): a plain loop of cv2 and ONNX Runtime with cv2's NMS; roboflow's supervision
and trackers (SORT) on ONNX Runtime; the asynchronous pattern of OpenVINO's demos, which does not track. With a YOLOv8
in OpenVINO's format: Ultralytics with its ByteTrack. rtdet runs each network too. Every tool runs in a process of its
own and writes nothing; start-up does not count.

With --install, supervision, trackers and Ultralytics are installed for this run alone, into environments under
--environments (a temporary folder if none is named); else they are left out. None of them is a dependency of rtdet,
and nothing here is taken from them.

    python benchmarks/beside_others.py --yolox yolox_nano_coco.onnx --yolov8 yolov8n.xml [--install] [--source CLIP]

Without --source the clip is the demo, encoded to H.264 at 1280x720 first.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = ROOT.parent / "shared/data/weights"
CONF, IOU, SIDE = 0.25, 0.5, 416

# What has to be installed for a tool; nothing: rtdet's own environment has it all.
PACKAGES: dict[str, tuple[str, ...]] = {
    "rtdet": (),
    "plain loop": (),
    "openvino async": (),
    "supervision": ("supervision", "trackers", "onnxruntime", "opencv-python"),
    "ultralytics": ("ultralytics", "openvino", "lap", "torch", "torchvision"),
}
TOOLS = {
    "yolox": ("rtdet", "plain loop", "supervision", "openvino async"),
    "yolov8": ("rtdet", "ultralytics"),
}


# The tools, each over a whole clip: frames, and seconds from the first read to the last result.


def run_rtdet(clip: str, model: str) -> dict[str, float]:
    stats: dict[str, float] = {"frames": 0, "seconds": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        numbers = Path(folder, "stats.json")
        command = [sys.executable, "-m", "rtdet", "--source", clip, "--model", model, "--headless", "--quiet"]
        subprocess.run([*command, "--stats", str(numbers)], check=True, cwd=folder)
        said = json.loads(numbers.read_text())
    stats["frames"] = said["frames"]["processed"]
    stats["seconds"] = stats["frames"] / said["fps"]["inference"]

    return stats


def run_plain_loop(clip: str, model: str) -> dict[str, float]:
    sys.path.insert(0, str(Path(__file__).parent))
    from headless_throughput import plain_loop

    return plain_loop(clip, model, CONF, IOU)


def run_supervision(clip: str, model: str) -> dict[str, float]:
    import numpy as np
    import onnxruntime
    import supervision
    from trackers import SORTTracker

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    session.run(None, {name: np.zeros((1, 3, SIDE, SIDE), np.float32)})
    tracker, decode = SORTTracker(), _decoder()

    def step(image: Any) -> None:
        blob, scale = _blob(image)
        boxes, scores, labels = decode(session.run(None, {name: blob})[0][0])
        found = supervision.Detections(xyxy=boxes / scale, confidence=scores, class_id=labels)
        tracker.update(found.with_nms(threshold=IOU))

    return _timed(step, supervision.get_video_frames_generator(clip))


def run_openvino_async(clip: str, model: str) -> dict[str, float]:
    """As OpenVINO's demos do it: as many requests as the device likes, results in the order of the frames."""
    import cv2
    import openvino

    compiled = openvino.Core().compile_model(model, "CPU", {"PERFORMANCE_HINT": "THROUGHPUT"})
    count = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
    requests = [compiled.create_infer_request() for _ in range(count)]
    running: list[tuple[Any, float]] = []
    decode = _decoder()

    def finish() -> Any:
        request, scale = running.pop(0)
        request.wait()
        boxes, scores, labels = decode(request.get_output_tensor(0).data[0])
        ltwh = _ltwh(boxes / scale)
        cv2.dnn.NMSBoxesBatched(ltwh.tolist(), scores.tolist(), labels.tolist(), CONF, IOU)
        return request

    def step(image: Any) -> None:
        blob, scale = _blob(image)
        request = requests.pop() if requests else finish()
        request.start_async({0: blob})
        running.append((request, scale))

    def end() -> None:
        while running:
            finish()

    return _timed(step, _frames(clip), end)


def run_ultralytics(clip: str, model: str) -> dict[str, float]:
    from ultralytics import YOLO

    network = YOLO(model, task="detect")
    settings: dict[str, Any] = {
        "conf": CONF,
        "iou": IOU,
        "verbose": False,
        "save": False,
        "tracker": "bytetrack.yaml",
    }
    for _ in network.track(clip, stream=True, **settings):
        break  # loads and warms up
    count, began = 0, time.perf_counter()
    for _ in network.track(clip, stream=True, **settings):
        count += 1
    return {"frames": count, "seconds": time.perf_counter() - began}


RUNS: dict[str, Callable[[str, str], dict[str, float]]] = {
    "rtdet": run_rtdet,
    "plain loop": run_plain_loop,
    "supervision": run_supervision,
    "openvino async": run_openvino_async,
    "ultralytics": run_ultralytics,
}


def _timed(
    step: Callable[[Any], None], frames: Iterator[Any], end: Callable[[], None] = lambda: None
) -> dict[str, float]:
    count, began = 0, time.perf_counter()
    for image in frames:
        step(image)
        count += 1
    end()
    return {"frames": count, "seconds": time.perf_counter() - began}


def _frames(clip: str) -> Iterator[Any]:
    import cv2

    capture = cv2.VideoCapture(clip)
    while True:
        ok, image = capture.read()
        if not ok:
            return
        yield image


def _blob(image: Any) -> tuple[Any, float]:
    """YOLOX's input: letterboxed at the top left on grey, BGR 0..255; and the scale."""
    import cv2
    import numpy as np

    scale = min(SIDE / image.shape[0], SIDE / image.shape[1])
    fitted = cv2.resize(image, (round(image.shape[1] * scale), round(image.shape[0] * scale)))
    canvas = np.full((SIDE, SIDE, 3), 114, np.uint8)
    canvas[: fitted.shape[0], : fitted.shape[1]] = fitted
    return np.ascontiguousarray(canvas.transpose(2, 0, 1)[None], dtype=np.float32), scale


def _decoder() -> Callable[[Any], tuple[Any, Any, Any]]:
    """YOLOX's rows to xyxy boxes, scores and labels of those above the threshold."""
    import numpy as np

    cells, steps = [], []
    for stride in (8, 16, 32):
        side = SIDE // stride
        y, x = np.mgrid[:side, :side]
        cells.append(np.stack([x, y], axis=-1).reshape(-1, 2))
        steps.append(np.full((side * side, 1), stride))
    grid, strides = np.concatenate(cells), np.concatenate(steps)

    def decode(rows: Any) -> tuple[Any, Any, Any]:
        scores = rows[:, 4:5] * rows[:, 5:]
        labels, best = scores.argmax(1), scores.max(1)
        center, size = (rows[:, :2] + grid) * strides, np.exp(rows[:, 2:4]) * strides
        keep = best > CONF
        boxes = np.concatenate([center - size / 2, center + size / 2], axis=1)[keep]
        return boxes, best[keep], labels[keep]

    return decode


def _ltwh(boxes: Any) -> Any:
    import numpy as np

    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)


# In turns


def python_of(tool: str, folder: Path, *, installs: bool) -> str | None:
    """The interpreter that has the tool; None, after a line that says why, where it is not or cannot be installed."""
    if not PACKAGES[tool]:
        return sys.executable
    place = folder / tool
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if (place / "done").exists():
        return str(python)
    if not installs:
        print(f"{tool}: left out, --install installs it for this run")
        return None
    if uv is None:
        print(f"{tool}: skipped, needs uv to install it")
        return None
    commands = (
        [uv, "venv", "--quiet", "--python", sys.executable, str(place)],
        [uv, "pip", "install", "--quiet", "--python", str(python), *PACKAGES[tool]],
    )
    for command in commands:
        answer = subprocess.run(command, capture_output=True, text=True)
        if answer.returncode:
            print(
                f"{tool}: skipped, could not be installed: {(answer.stderr.strip() or '?').splitlines()[-1]}"
            )
            return None
    (place / "done").touch()
    return str(python)


def run_once(tool: str, python: str, clip: str, model: str, folder: Path) -> float:
    """Frames a second of a tool, in a process of its own."""
    command = [python, str(Path(__file__).resolve()), "--tool", tool, "--source", clip, "--model", model]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT) if not PACKAGES[tool] else "",
        "YOLO_OFFLINE": "true",
    }
    answer = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    if answer.returncode:
        raise SystemExit(f"{tool} failed: {answer.stderr.strip()[-600:]}")
    said = json.loads(answer.stdout.strip().splitlines()[-1])
    return float(said["frames"] / said["seconds"])


def compare(
    kind: str, model: Path, clip: str, rounds: int, folder: Path, environments: Path, *, installs: bool
) -> None:
    """Prints frames a second of each tool and its ratio to rtdet's, medians of rounds in which they take turns."""
    network = _for_ultralytics(model, folder) if kind == "yolov8" else model
    pythons = {
        tool: python
        for tool in TOOLS[kind]
        if (python := python_of(tool, environments, installs=installs)) is not None
    }
    speeds: dict[str, list[float]] = {tool: [] for tool in pythons}
    for number in range(rounds + 1):  # the first one warms up
        for tool, python in pythons.items():
            path = str(network) if tool == "ultralytics" else str(model)
            speed = run_once(tool, python, clip, path, folder)
            if number:
                speeds[tool].append(speed)
    print(f"\n{model.name}")
    for tool, of_tool in speeds.items():
        if tool == "rtdet":
            print(f"  {tool:<16}{statistics.median(of_tool):7.1f} frames/s")
            continue
        ratios = [ours / theirs for ours, theirs in zip(speeds["rtdet"], of_tool, strict=True)]
        print(
            f"  {tool:<16}{statistics.median(of_tool):7.1f} frames/s   rtdet is {statistics.median(ratios):.2f} "
            f"times as fast ({min(ratios):.2f} to {max(ratios):.2f})"
        )


def _for_ultralytics(model: Path, folder: Path) -> Path:
    """The folder that Ultralytics takes for an OpenVINO network: NAME_openvino_model with metadata.yaml in it."""
    place = folder / f"{model.stem}_openvino_model"
    place.mkdir(exist_ok=True)
    for path in (model, model.with_suffix(".bin")):
        shutil.copy(path, place / path.name)
    shutil.copy(model.with_name(f"{model.stem}_metadata.yaml"), place / "metadata.yaml")
    return place


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--yolox", type=Path, default=WEIGHTS / "yolox_nano_coco.onnx")
    parser.add_argument("--yolov8", type=Path, default=WEIGHTS / "yolov8n.xml")
    parser.add_argument("--source")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of the demo's clip")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--install", action="store_true", help="install what is lacking for this run")
    parser.add_argument("--environments", type=Path, help="keep what is installed here for the next time")
    parser.add_argument("--tool", help=argparse.SUPPRESS)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.tool:
        print(json.dumps(RUNS[options.tool](options.source, options.model)))
        return
    sys.path.insert(0, str(ROOT))
    from headless_throughput import demo_clip

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = str(Path(options.source).resolve()) if options.source else demo_clip(folder, options.seconds)
        environments = (options.environments or folder / "environments").resolve()
        environments.mkdir(parents=True, exist_ok=True)
        for kind in TOOLS:
            model = getattr(options, kind)
            if not model.is_file():
                print(f"{kind}: skipped, needs the network's file: --{kind} FILE")
                continue
            compare(
                kind, model.resolve(), clip, options.rounds, folder, environments, installs=options.install
            )


if __name__ == "__main__":
    main()
