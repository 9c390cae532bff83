"""What a hundred labelled pictures make of rtdet-n: a new class, learnt on one hundred, measured on another.

    python benchmarks/fine_tune.py [--data DIR] [--pictures 100]

The class is `vehicle`, any car, bus or truck, in the pictures of roads of ../shared/data/street (rtdet-n has
seen these pictures, but no such class). Runs `rtdet train` and `rtdet eval detect` as a user would, with
plain defaults.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared/data/street/train"


def write_set(folder: Path, data: Path, labels: dict[str, Any], pictures: list[dict[str, Any]]) -> None:
    """A data set of its own: images/ and COCO JSON with the one class."""
    (folder / "images").mkdir(parents=True)
    for picture in pictures:
        shutil.copy(data / "images" / picture["file_name"], folder / "images")
    (vehicle,) = (row for row in labels["categories"] if row["name"] == "vehicle")
    wanted = {picture["id"] for picture in pictures}
    rows = [
        row
        for row in labels["annotations"]
        if row["image_id"] in wanted and row["category_id"] == vehicle["id"]
    ]
    content = {"images": pictures, "annotations": rows, "categories": [vehicle]}
    (folder / f"{folder.name}.json").write_text(json.dumps(content), encoding="utf-8")


def rtdet(folder: Path, *words: str) -> None:
    print("$ rtdet", shlex.join(words), flush=True)
    subprocess.run([sys.executable, "-m", "rtdet", *words], cwd=folder, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--pictures", type=int, default=100)
    options = parser.parse_args()
    file = options.data / "train.json"
    if not file.is_file():
        print(f"skipped: needs the street pictures: --data DIR (there is no {file})")
        return
    labels = json.loads(file.read_text(encoding="utf-8"))
    roads = [picture for picture in labels["images"] if picture["source"] == "roads"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_set(folder / "roads", options.data, labels, roads[::4][: options.pictures])
        write_set(folder / "roads-test", options.data, labels, roads[2::4][: options.pictures])
        begun = time.monotonic()
        rtdet(folder, "train", "--data", "roads", "--model", "rtdet-n", "--out", "runs/roads")
        print(f"{time.monotonic() - begun:.0f} s")
        model = "runs/roads/model.safetensors"
        rtdet(folder, "eval", "detect", "--data", "roads-test", "--model", model, "--quiet")


if __name__ == "__main__":
    main()
