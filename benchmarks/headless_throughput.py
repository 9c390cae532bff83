"""Headless frames per second on a 720p clip: rtdet against a plain loop, in one run on one machine.

The plain loop is what a tutorial shows: cv2.VideoCapture, ONNX Runtime on a 416x416 letterbox, cv2's NMS,
and SORT with one filterpy KalmanFilter for each track. Both write nothing. They take turns, and the ratio
of each pair is printed, so that a machine whose speed drifts does not decide.

    python benchmarks/headless_throughput.py --model yolox_nano_coco.onnx [--source CLIP] [--pairs 5] [--tracker NAME]

Without --source the clip is the demo, encoded to H.264 at 1280x720 first.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED_MODEL = ROOT.parent / "shared/data/weights/yolox_nano_coco.onnx"


def plain_loop(clip: str, model: str, conf: float = 0.25, iou: float = 0.5) -> dict[str, float]:
    """Runs the baseline over the clip; frames, seconds from the first read to the last track."""
    import cv2
    import numpy as np

    from rtdet.backends.onnx_loading import load_onnxruntime

    onnxruntime = load_onnxruntime()

    sys.path.insert(0, str(Path(__file__).parent))
    from tracker_speed import PlainSort

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    grid, strides = _grid()
    tracker = PlainSort()
    capture = cv2.VideoCapture(clip)
    session.run(None, {name: np.zeros((1, 3, 416, 416), np.float32)})
    frames, started = 0, time.perf_counter()
    while True:
        ok, image = capture.read()
        if not ok:
            break
        scale = min(416 / image.shape[0], 416 / image.shape[1])
        resized = cv2.resize(image, (round(image.shape[1] * scale), round(image.shape[0] * scale)))
        canvas = np.full((416, 416, 3), 114, np.uint8)
        canvas[: resized.shape[0], : resized.shape[1]] = resized
        blob = np.ascontiguousarray(canvas.transpose(2, 0, 1)[None], dtype=np.float32)
        rows = session.run(None, {name: blob})[0][0]
        scores = rows[:, 4:5] * rows[:, 5:]
        labels, best = scores.argmax(1), scores.max(1)
        center, size = (rows[:, :2] + grid) * strides, np.exp(rows[:, 2:4]) * strides
        keep = best > conf
        ltwh = np.concatenate([center - size / 2, size], axis=1)[keep] / scale
        chosen = cv2.dnn.NMSBoxesBatched(ltwh.tolist(), best[keep].tolist(), labels[keep].tolist(), conf, iou)
        boxes = ltwh[np.asarray(chosen, dtype=int)].reshape(-1, 4)
        tracker.update(np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1))
        frames += 1
    return {"frames": frames, "seconds": time.perf_counter() - started}


def _grid():  # type: ignore[no-untyped-def]
    import numpy as np

    cells, strides = [], []
    for stride in (8, 16, 32):
        side = 416 // stride
        y, x = np.mgrid[:side, :side]
        cells.append(np.stack([x, y], axis=-1).reshape(-1, 2))
        strides.append(np.full((side * side, 1), stride))
    return np.concatenate(cells), np.concatenate(strides)


def rtdet_run(clip: str, model: str, folder: Path, more: list[str]) -> dict[str, float]:
    """Runs the command line over the clip; what its --stats say."""
    stats = folder / "stats.json"
    command = [
        "-m",
        "rtdet",
        "--source",
        clip,
        "--model",
        model,
        "--headless",
        "--quiet",
        "--stats",
        str(stats),
        *more,
    ]
    subprocess.run([sys.executable, *command], check=True, cwd=folder, env=_environment())
    numbers = json.loads(stats.read_text())
    frames = numbers["frames"]["processed"]
    return {"frames": frames, "seconds": frames / numbers["fps"]["inference"]}


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def demo_clip(folder: Path, seconds: float) -> str:
    """The demo as a 720p H.264 file."""
    from fractions import Fraction

    import av

    from rtdet.demo import DemoScene

    scene = DemoScene(duration_s=seconds)
    path = folder / "demo.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "veryfast", "crf": "23"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for index in range(scene.frame_count):
            frame = av.VideoFrame.from_ndarray(scene.render(index), format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return str(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", default=str(SHARED_MODEL))
    parser.add_argument("--source")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--tracker", help="rtdet's; the default is the app's own")
    parser.add_argument("--plain", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not Path(options.model).is_file():
        print("skipped: needs a YOLOX ONNX file, e.g. yolox_nano_coco.onnx: --model FILE")
        return
    if options.plain:
        print(json.dumps(plain_loop(options.source, options.model)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = str(Path(options.source).resolve()) if options.source else demo_clip(folder, 40.0)
        model = str(Path(options.model).resolve())
        more = ["--tracker", options.tracker] if options.tracker else []
        ratios = [_pair(clip, model, folder, number, more) for number in range(options.pairs + 1)][1:]
    print(
        f"ratio rtdet / plain loop: median {statistics.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}"
    )


def _pair(clip: str, model: str, folder: Path, number: int, more: list[str]) -> float:
    ours = rtdet_run(clip, model, folder, more)
    command = [sys.executable, __file__, "--plain", "--source", clip, "--model", model]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=_environment())
    plain = json.loads(answer.stdout)
    speeds = [run["frames"] / run["seconds"] for run in (ours, plain)]
    note = " (warm-up, not counted)" if number == 0 else ""
    print(
        f"rtdet {speeds[0]:6.1f} frames/s   plain loop {speeds[1]:6.1f}   ratio {speeds[0] / speeds[1]:.2f}{note}",
        flush=True,
    )
    return speeds[0] / speeds[1]


if __name__ == "__main__":
    main()
