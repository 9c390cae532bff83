from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest


def write_picture(path: Path, size: tuple[int, int] = (200, 100), seed: int = 0) -> Path:
    """A picture of blurred noise, another one for each seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (size[1] // 10, size[0] // 10, 3), np.uint8)
    cv2.imwrite(str(path), cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC))
    return path


@pytest.fixture
def coco_folder(tmp_path) -> Callable[..., Path]:
    """Makes a COCO folder of 200 x 100 pictures: {file name: [(class, left, top, width, height, more)]}."""

    def make(
        rows: dict[str, Sequence[tuple[Any, ...]]],
        folder: Path = tmp_path / "set",
        seed: int = 0,
        **more: Any,
    ) -> Path:
        names = list(dict.fromkeys(row[0] for entries in rows.values() for row in entries))
        content: dict[str, Any] = {
            "categories": [{"id": i + 1, "name": name} for i, name in enumerate(names)],
            "images": [],
            "annotations": [],
            **more,
        }
        for number, (file_name, entries) in enumerate(rows.items(), 1):
            write_picture(folder / "images" / file_name, seed=seed + number)
            image = {"id": number, "file_name": file_name, "width": 200, "height": 100, "source": "street"}
            content["images"].append(image)
            for name, *box in entries:
                extra = box[4] if len(box) > 4 else {}
                content["annotations"].append(
                    {"image_id": number, "category_id": names.index(name) + 1, "bbox": box[:4], **extra}
                )
        (folder / "annotations.json").write_text(json.dumps(content))
        return folder

    return make
