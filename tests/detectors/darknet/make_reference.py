"""Stores what OpenCV's own reader of Darknet computes, for test_opencv.py:

    python tests/detectors/darknet/make_reference.py PYTHON

PYTHON is an interpreter with OpenCV 4.10 (pip install opencv-python-headless==4.10.0.84): OpenCV 5 reads no Darknet.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[3])]

import nets  # noqa: E402

from rtdet.detectors.darknet.network import read_network  # noqa: E402

REFERENCE = Path(__file__).with_name("opencv_4_10.npz")

# Of a published network's outputs one value in so many is stored.
EVERY = 29

# Reads a.cfg, a.weights, a.npy; writes for each head the input of its layer, and its own output.
OPENCV = """
import cv2, numpy as np, sys
from pathlib import Path
assert cv2.__version__.startswith("4."), cv2.__version__
folder = Path(sys.argv[1])
for cfg in sorted(folder.glob("*.cfg")):
    network = cv2.dnn.readNetFromDarknet(str(cfg), str(cfg.with_suffix(".weights")))
    network.enableFusion(False)
    network.enableWinograd(False)
    network.setInput(np.load(cfg.with_suffix(".npy")))
    names = network.getLayerNames()
    before = [names[i - 1] for i, name in enumerate(names) if name.startswith("permute")]
    heads = network.getUnconnectedOutLayersNames()
    raw = network.forward(before) if before else []
    network.setInput(np.load(cfg.with_suffix(".npy")))
    arrays = {f"raw{i}": a for i, a in enumerate(raw)} | {f"head{i}": a for i, a in enumerate(network.forward(heads))}
    np.savez(cfg.with_suffix(".npz"), **arrays)
"""


def main(python: str) -> None:
    stored: dict[str, np.ndarray] = {}
    texts = nets.SMALL | {name: make(64) for name, make in nets.PUBLISHED.items()}
    for name, text in texts.items():
        with tempfile.TemporaryDirectory() as folder:  # one at a time: the larger have 250 MB of weights
            cfg = Path(folder) / f"{name}.cfg"
            cfg.write_text(text)
            network = read_network(cfg)
            nets.save_weights(cfg.with_suffix(".weights"), nets.weights_of(network.layers))
            np.save(cfg.with_suffix(".npy"), nets.picture(network.picture))
            subprocess.run([python, "-c", OPENCV, folder], check=True, timeout=300)
            with np.load(cfg.with_suffix(".npz")) as arrays:
                for key, array in arrays.items():
                    if name in nets.SMALL:
                        stored[f"{name}/{key}"] = array
                    elif key.startswith("raw"):
                        stored[f"{name}/{key}"] = array.reshape(-1)[::EVERY]
    np.savez_compressed(REFERENCE, **stored)
    print(f"{REFERENCE}: {REFERENCE.stat().st_size} bytes, {sorted(stored)}")


if __name__ == "__main__":
    main(sys.argv[1])
