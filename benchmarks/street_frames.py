"""Rendered frames of the demo with their exact truth, as a data set that `rtdet train` reads."""

from __future__ import annotations

import json
from pathlib import Path

import cv2

from rtdet.demo import CLASS_NAMES
from rtdet.training.pictures import demo_pictures


def write_frames(folder: Path, count: int, *, seed: int) -> None:
    """`count` frames, ten of each scene from `seed` on, and COCO JSON; what is hardly seen is a crowd."""
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for i, picture in enumerate(demo_pictures(count, CLASS_NAMES, seed=seed)):
        frame = picture()
        name = f"{i:05d}.png"
        cv2.imwrite(str(folder / "images" / name), frame.image)
        images.append({"id": i, "file_name": name, "width": frame.size[0], "height": frame.size[1]})
        for (x1, y1, x2, y2), label, ignored in zip(frame.boxes, frame.labels, frame.ignored, strict=True):
            if label >= 0:
                annotations.append(
                    {
                        "id": len(annotations), "image_id": i, "category_id": int(label) + 1,
                        "bbox": [float(x1), float(y1), float(x2 - x1), float(y2 - y1)],
                        "area": float((x2 - x1) * (y2 - y1)), "iscrowd": int(ignored),
                    }
                )  # fmt: skip
    categories = [{"id": i, "name": name} for i, name in enumerate(CLASS_NAMES, 1)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / f"{folder.name}.json").write_text(json.dumps(content), encoding="utf-8")
