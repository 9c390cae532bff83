"""What a headless run costs beside its decoder and its network, and against a plain loop: in one run, in turns.

    python benchmarks/headless_throughput.py [--model rtdet-n] [--source CLIP] [--rounds 5] [--tracker NAME] [--save]

Each round measures, each in a process of its own:

- decoding alone: the frames of the source, read and let go;
- the network alone: `run_many` over a picture that is ready, of the size that the clip gives it;
- the run: `rtdet --headless --tracks FILE`. CPU time is that of the frames, beginning and end left out: the
  difference of a short run and a long one. Frames a second are those of --stats;
- with --save: the same with an annotated film, and the encoder alone, which is given frames that are ready;
- the plain loop that a tutorial shows, where --plain names a YOLOX file (or yolox_nano_coco.onnx is at hand):
  cv2.VideoCapture, ONNX Runtime on a 416x416 letterbox, cv2's NMS, and SORT with one filterpy KalmanFilter for each
  track; against rtdet with the same network. Both write nothing.

CPU times are milliseconds of one core. They grow with whatever else the machine does: the ratios are of the same
round, and the last lines print their medians. Without --source the clip is the demo, encoded to H.264 at 1280x720.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import repeat
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SHARED_MODEL = ROOT.parent / "shared/data/weights/yolox_nano_coco.onnx"
SHORT = 60  # frames of the run that is subtracted
IN_MEMORY = 250  # frames that the encoder is given


def decoding(options: argparse.Namespace) -> dict[str, float]:
    """CPU milliseconds a frame of reading the source."""
    import rtdet

    source = rtdet.open_source(options.source)
    source.read()
    began, count = time.process_time(), 0
    while count < options.frames and source.read() is not None:
        count += 1
    return {"ms": 1e3 * (time.process_time() - began) / count}


def network(options: argparse.Namespace) -> dict[str, float]:
    """CPU milliseconds a picture of the network, and pictures a second."""
    import numpy as np

    import rtdet

    source = rtdet.open_source(options.source)
    frame = source.read()
    detector: Any = rtdet.load_detector(options.model)
    detector.detect([frame.bgr])
    # The picture as the detector gives it to the network.
    seen: list[Any] = []
    opened, ran = detector.network, detector.network.run_many
    opened.run_many = lambda inputs: ran(seen.append(one) or one for one in inputs)
    detector.detect([frame.bgr])
    del opened.run_many
    picture = tuple(map(np.array, seen[0])) if isinstance(seen[0], tuple) else np.array(seen[0])
    for _ in opened.run_many(repeat(picture, 20)):
        pass
    began, wall = time.process_time(), time.perf_counter()
    for _ in opened.run_many(repeat(picture, options.frames)):
        pass
    return {
        "ms": 1e3 * (time.process_time() - began) / options.frames,
        "fps": options.frames / (time.perf_counter() - wall),
    }


def encoding(options: argparse.Namespace) -> dict[str, float]:
    """CPU milliseconds a frame of encoding and muxing pictures that are ready, as a recording does it."""
    from fractions import Fraction
    from itertools import islice

    import av

    from rtdet.video.recording.encoder import Encoder
    from rtdet.video.recording.frames import FORMAT

    with av.open(options.source) as container:
        rate = container.streams.video[0].average_rate or Fraction(25)
        decoded = islice(container.decode(video=0), min(options.frames, IN_MEMORY))
        frames = [frame.reformat(format=FORMAT) for frame in decoded]
    time_base = Fraction(1, 90000)
    with av.open(os.devnull, "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=rate)
        encoder = Encoder(stream, (frames[0].width, frames[0].height), rate, time_base)
        encoder.start(None)
        began = time.process_time()
        for i, frame in enumerate(frames):
            frame.pts, frame.time_base = round(i / rate / time_base), time_base
            container.mux(encoder.encode(frame))
        container.mux(encoder.encode(None))
        return {"ms": 1e3 * (time.process_time() - began) / len(frames)}


def plain_loop(clip: str, model: str, conf: float = 0.25, iou: float = 0.5) -> dict[str, float]:
    """Runs the baseline over the clip; frames, seconds from the first read to the last track."""
    import cv2
    import numpy as np
    import onnxruntime

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


def run(options: argparse.Namespace, model: str, folder: Path, more: list[str]) -> tuple[float, float]:
    """CPU seconds of `rtdet --headless`, from its start to its end, and frames a second as its --stats have them."""
    stats = folder / "stats.json"
    for old in folder.glob("out.*"):
        old.unlink()
    command = [
        sys.executable,
        "-m",
        "rtdet",
        "--source",
        options.source,
        "--model",
        model,
        "--headless",
        "--quiet",
    ]
    command += ["--stats", str(stats), *(["--tracker", options.tracker] if options.tracker else []), *more]
    before = _cpu_s()
    subprocess.run(command, check=True, cwd=folder, env=_environment())
    return _cpu_s() - before, json.loads(stats.read_text())["fps"]["inference"]


def whole_run(options: argparse.Namespace, folder: Path, *more: str) -> tuple[float, float]:
    """CPU milliseconds a frame of a run, and its frames a second."""
    short, _ = run(options, options.model, folder, [*more, "--max-frames", str(SHORT)])
    long, fps = run(options, options.model, folder, [*more, "--max-frames", str(SHORT + options.frames)])
    return 1e3 * (long - short) / options.frames, fps


def part(name: str, options: argparse.Namespace) -> dict[str, float]:
    """What one of PARTS says, run in a process of its own."""
    command = [sys.executable, __file__, "--part", name, "--source", options.source]
    command += ["--model", options.model, "--frames", str(options.frames), "--plain", options.plain]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=_environment())
    numbers: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return numbers


PARTS = {
    "decoding": decoding,
    "network": network,
    "encoding": encoding,
    "plain": lambda options: plain_loop(options.source, options.plain),
}


def one_round(options: argparse.Namespace, folder: Path, cores: int) -> dict[str, float]:
    """Prints a round; its ratios by name."""
    decode, infer = part("decoding", options)["ms"], part("network", options)["ms"]
    ms, fps = whole_run(options, folder, "--tracks", "out.csv")
    possible = 1e3 * cores / (decode + infer)
    ratios = {"CPU time": ms / (decode + infer), "frames/s": fps / possible}
    print(
        f"decoding {decode:5.2f} + network {infer:6.2f} core-ms   run {ms:6.2f}, {ratios['CPU time']:.2f} times   "
        f"{fps:6.1f} frames/s, {ratios['frames/s']:.0%} of {possible:.1f}",
        flush=True,
    )
    if options.save:
        saved, fps = whole_run(options, folder, "--tracks", "out.csv", "--save", "out.mp4")
        encode = part("encoding", options)["ms"]
        ratios["saving / encoder"] = (saved - ms) / encode
        print(
            f"   with --save {saved:6.2f} core-ms, {saved - ms:.2f} more; the encoder alone {encode:.2f}   "
            f"{fps:6.1f} frames/s",
            flush=True,
        )
    if options.plain:
        looped = part("plain", options)
        plain = looped["frames"] / looped["seconds"]
        _, ours = run(options, options.plain, folder, [])
        ratios["rtdet / plain loop"] = ours / plain
        print(
            f"   same network, nothing written: rtdet {ours:6.1f} frames/s   plain loop {plain:6.1f}   "
            f"ratio {ours / plain:.2f}",
            flush=True,
        )
    return ratios


def _cpu_s() -> float:
    """Of the processes that this one waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


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
    parser.add_argument("--model", default="rtdet-n", help="by name, or a file")
    parser.add_argument("--source")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=600, help="that are measured in each run")
    parser.add_argument("--tracker", help="rtdet's; the default is the app's own")
    parser.add_argument("--save", action="store_true", help="measures writing an annotated film too")
    parser.add_argument(
        "--plain", default=str(SHARED_MODEL), help="a YOLOX ONNX file for the plain loop, '' for none"
    )
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(PARTS[options.part](options)))
        return
    if options.plain and not Path(options.plain).is_file():
        print("without the plain loop: it needs a YOLOX ONNX file, e.g. yolox_nano_coco.onnx: --plain FILE")
        options.plain = ""
    options.plain = str(Path(options.plain).resolve()) if options.plain else ""
    if Path(options.model).is_file():
        options.model = str(Path(options.model).resolve())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options.source = str(Path(options.source).resolve()) if options.source else demo_clip(folder, 40.0)
        run(options, options.model, folder, ["--max-frames", "30"])  # what a first start prepares
        rounds = [one_round(options, folder, cores) for _ in range(options.rounds)]
    print(f"medians of {options.rounds} rounds on {cores} cores, lowest and highest")
    for ratio in rounds[0]:
        values = [one[ratio] for one in rounds]
        print(f"{ratio:20s} {statistics.median(values):5.2f}   {min(values):.2f} to {max(values):.2f}")


if __name__ == "__main__":
    main()
