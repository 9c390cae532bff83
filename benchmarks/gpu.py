"""SSD300 on VGG-16 on a GPU: 1080p frames in host memory, end to end with NMS and tracking.

    python benchmarks/gpu.py [--frames 6000] [--device cuda] [--precision auto] [--call 64] [--objects 12]
                             [--weights FILE]

In batches, where the next frames go up while these are computed and a thread of its own tracks; and one frame after
the other, each tracked before the next is taken. To reach in fp16: 3,000 and 500 frames/s. Then each stage alone, in
milliseconds a frame, and its share of them all. `--device cpu --frames 20` shows that it works.

Without --weights the network's weights are random, and the heads' numbers are moved so that every frame has --objects
objects, each found by two boxes: all is computed that is computed of a trained one.
"""

from __future__ import annotations

import argparse
import queue
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

SIZE = (1920, 1080)
CLASSES = tuple(f"class{i}" for i in range(20))
TARGETS = {"in batches": 3000, "one by one": 500}
FPS = 30.0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--frames", type=int, default=6000)
    parser.add_argument("--call", type=int, default=64, help="frames given to the detector at a time")
    parser.add_argument("--objects", type=int, default=12)
    parser.add_argument("--weights", type=Path, help="of an SSD that takes one size, trained by rtdet")
    options = parser.parse_args()
    try:
        import torch
    except ImportError:
        print("skipped: needs torch")
        return
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        print(
            "skipped: needs a CUDA device, and there is none here (--device cpu --frames 20 shows that it works)"
        )
        return
    detector = opened(options)
    images = some_frames(min(options.frames, 64))
    detector.detect(images[: options.call])  # kernels are chosen, graphs recorded
    detector.detect(images[: options.call])
    (found,) = detector.detect(images[:1])
    rates = {
        "in batches": in_batches(detector, images, options.frames, options.call),
        "one by one": one_by_one(detector, images, max(1, options.frames // 4)),
    }
    network = detector.network
    print(
        f"SSD300-VGG16, {network.device}, {network.precision}, {SIZE[0]}x{SIZE[1]}, {len(found)} objects a frame"
    )
    for name, rate in rates.items():
        target = f" (to reach: {TARGETS[name]})" if network.device.startswith("cuda") else ""
        print(f"{name}: {rate:.1f} frames/s{target}")
    print_shares(detector, images)
    detector.close()


def opened(options: argparse.Namespace):  # type: ignore[no-untyped-def]
    """The detector, which goes the whole way on the device: on the CPU, too."""
    from rtdet.detectors.family import detector as ways
    from rtdet.detectors.ssd.detector import SSDDetector

    ways._WHOLE_WAY = (*ways._WHOLE_WAY, "cpu")
    return SSDDetector(
        options.weights or with_objects(options.objects),
        backend="torch",
        device=options.device,
        precision=options.precision,
    )


def with_objects(count: int):  # type: ignore[no-untyped-def]
    """An SSD300 with random weights that finds `count` objects, each by two priors of a cell, whatever it sees."""
    import torch

    from rtdet.detectors.ssd.catalogue import new_config
    from rtdet.detectors.ssd.vgg import VggSSD

    class WithObjects(VggSSD):
        planted: torch.Tensor

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            offsets, logits = super().forward(images)
            return offsets.float().tanh() * 0.05, logits.float().tanh() * 0.3 + self.planted

    torch.manual_seed(0)
    config = new_config("ssd300", CLASSES)
    network = WithObjects(config)
    planted = torch.zeros(8732, 1 + len(CLASSES))
    planted[:, 0] = 8.0
    third_map = 5776 + 2166  # 10 x 10 cells of six priors follow
    for i, cell in enumerate(np.linspace(0, 10 * 10 - 1, count, dtype=int)):
        start = third_map + 6 * int(cell)
        for place, strength in ((start, 13.0), (start + 5, 12.0)):  # the square priors, that overlap
            planted[place, 1 + i % len(CLASSES)] = strength
    network.register_buffer("planted", planted)
    return network.eval()


def some_frames(count: int) -> list[np.ndarray]:
    """Frames in ordinary memory, each its own."""
    rng = np.random.default_rng(0)
    first = rng.integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    return [np.roll(first, 16 * i, axis=1) for i in range(count)]


def new_tracker():  # type: ignore[no-untyped-def]
    from rtdet.trackers.registry import load_tracker

    return load_tracker("rtdet")


def in_batches(detector, images: list[np.ndarray], frames: int, call: int) -> float:  # type: ignore[no-untyped-def]
    """Frames/s from the first frame to the last tracks."""
    found: queue.Queue = queue.Queue(maxsize=4)
    tracked = 0

    def track() -> None:
        nonlocal tracked
        tracker = new_tracker()
        while (batch := found.get()) is not None:
            for one in batch:
                tracker.update(one, tracked / FPS)
                tracked += 1

    thread = threading.Thread(target=track)
    began = time.perf_counter()
    thread.start()
    for start in range(0, frames, call):
        few = [images[i % len(images)] for i in range(start, min(start + call, frames))]
        found.put(detector.detect(few))
    found.put(None)
    thread.join()
    assert tracked == frames
    return frames / (time.perf_counter() - began)


def one_by_one(detector, images: list[np.ndarray], frames: int) -> float:  # type: ignore[no-untyped-def]
    """Frames/s where each is tracked before the next is taken."""
    tracker = new_tracker()
    began = time.perf_counter()
    for i in range(frames):
        (one,) = detector.detect([images[i % len(images)]])
        tracker.update(one, i / FPS)
    return frames / (time.perf_counter() - began)


def print_shares(detector, images: list[np.ndarray]) -> None:  # type: ignore[no-untyped-def]
    """Each stage alone, on one batch, as it is where nothing is recorded."""
    import torch

    from rtdet.backends.torch_step import TYPES
    from rtdet.detectors.family.device_path import Whole
    from rtdet.detectors.family.device_scaling import Fit, RowsOf
    from rtdet.detectors.family.device_selection import asked

    network, config = detector.network, detector.config
    device = torch.device(network.device)
    count = min(16 if device.type == "cuda" else 2, len(images))
    fit = Fit(SIZE, config.input_size, True)
    whole = Whole(network.module, config, config.input_size, fit, 256).to(device).eval()
    rows = [RowsOf(image, fit.rows) for image in images[:count]]
    host = torch.empty(count, *rows[0].shape[1:], dtype=torch.uint8, pin_memory=device.type == "cuda")
    above = torch.empty_like(host, device=device, pin_memory=False)
    wanted = np.ones(len(config.class_names), dtype=bool)
    wishes = torch.from_numpy(asked(detector.thresholds, 0.5, fit.back, wanted)).repeat(count, 1).to(device)
    kind = TYPES[network.precision]

    def upload() -> None:
        for i, one in enumerate(rows):
            one.write_to(host.numpy()[i : i + 1])
        above.copy_(host, non_blocking=True)

    def run_network(picture):  # type: ignore[no-untyped-def]
        with torch.autocast(device.type, kind, enabled=network.precision != "fp32"):
            return whole.network(picture)

    with torch.inference_mode():
        upload()
        picture = whole.fit(above)
        first, second = (part.float() for part in run_network(picture))
        stages = {
            "upload": timed(upload, device),
            "resize": timed(lambda: whole.fit(above), device),
            "network": timed(lambda: run_network(picture), device),
            "NMS": timed(
                lambda: whole.select(whole.decode(first, second, wishes, 256), wishes[:, :8]), device
            ),
        }
    stages = {name: ms / count for name, ms in stages.items()} | {
        "tracking": tracking_ms(detector, images[:4])
    }
    whole_ms = sum(stages.values())
    print(
        "each alone, ms a frame: "
        + ", ".join(f"{n} {ms:.3f} ({ms / whole_ms:.0%})" for n, ms in stages.items())
    )


def timed(work: Callable[[], object], device) -> float:  # type: ignore[no-untyped-def]
    """Median milliseconds, the device's work included."""
    import torch

    times = []
    for _ in range(30 if device.type == "cuda" else 2):
        began = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append((time.perf_counter() - began) * 1e3)
    return statistics.median(times)


def tracking_ms(detector, images: list[np.ndarray]) -> float:  # type: ignore[no-untyped-def]
    found = detector.detect(images)
    tracker = new_tracker()
    began = time.perf_counter()
    for i in range(100):
        tracker.update(found[i % len(found)], i / FPS)
    return (time.perf_counter() - began) * 10


if __name__ == "__main__":
    main()
