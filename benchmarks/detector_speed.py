"""Pictures per second of the embedded model's network on the CPU, one picture at a time, beside YOLOX-nano's.

    python benchmarks/detector_speed.py [--other FILE.onnx] [--side 416] [--seconds 3] [--rounds 3]

The two take turns in each round. Only the networks are timed, on one square picture, in OpenVINO, in the
precision that `auto` chooses on this machine; the next picture is only given once the last is done. Without
--other, and without the data beside the checkout, rtdet-n in fp32 takes YOLOX-nano's place.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np

from rtdet.backends import Network, open_network
from rtdet.detectors.registry import model_card, weights_of
from rtdet.detectors.ssd.weights import load_weights

ROOT = Path(__file__).resolve().parents[1]
YOLOX = ROOT.parent / "shared/data/weights/yolox_nano_coco.onnx"


def per_second(network: Network, side: int, seconds: float) -> float:
    picture = np.random.default_rng(0).integers(0, 255, (1, 3, side, side)).astype(np.float32)
    count, begun = 0, time.perf_counter()
    while (passed := time.perf_counter() - begun) < seconds:
        next(iter(network.run_many([picture])))
        count += 1
    return count / passed


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--other", type=Path, default=YOLOX)
    parser.add_argument("--side", type=int, default=416)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    shape = (1, 3, options.side, options.side)
    model = load_weights(weights_of(model_card("rtdet-n")))
    ours = open_network(model, shape, backend="openvino", device="cpu")
    if options.other.is_file():
        name, other = options.other.stem, open_network(options.other, shape, backend="openvino", device="cpu")
    else:
        name, other = (
            "rtdet-n in fp32",
            open_network(model, shape, backend="openvino", device="cpu", precision="fp32"),
        )
    for network in (ours, other):
        per_second(network, options.side, 0.5)
    ratios = []
    for _ in range(options.rounds):
        mine, theirs = (per_second(network, options.side, options.seconds) for network in (ours, other))
        ratios.append(mine / theirs)
        print(f"rtdet-n ({ours.precision}) {mine:.0f} pictures/s, {name} ({other.precision}) {theirs:.0f}")
    print(
        f"median ratio {statistics.median(ratios):.2f} at {options.side}x{options.side}, one picture at a time"
    )


if __name__ == "__main__":
    main()
