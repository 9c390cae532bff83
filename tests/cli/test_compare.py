from __future__ import annotations

import json

import cv2
import numpy as np
import pytest


@pytest.fixture
def streets(tmp_path):
    """Two frames of the demo with their true people and cars, as COCO JSON, and a class that no model knows."""
    import rtdet

    folder = tmp_path / "streets"
    (folder / "images").mkdir(parents=True)
    detector, images, annotations = rtdet.load_detector("rtdet-n"), [], []
    source = rtdet.open_source("demo")
    for i in range(2):
        frame = source.read().bgr
        cv2.imwrite(str(folder / "images" / f"{i}.png"), frame)
        images.append({"id": i, "file_name": f"{i}.png", "width": frame.shape[1], "height": frame.shape[0]})
        (found,) = detector.detect([frame])
        for row, (left, top, right, bottom) in enumerate(np.asarray(found.boxes, dtype=float).tolist()):
            category = 1 if found.name_of(row) == "person" else 2
            box = [left, top, right - left, bottom - top]
            annotations.append({"id": len(annotations), "image_id": i, "category_id": category, "bbox": box})
    annotations.append({"id": 999, "image_id": 0, "category_id": 3, "bbox": [1, 1, 20, 20]})
    categories = [{"id": i + 1, "name": name} for i, name in enumerate(("person", "car", "unicorn"))]
    source.close()
    detector.close()
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


def test_models_are_put_side_by_side_under_names_that_tell_them_apart_on_the_classes_that_both_know(
    rtdet, streets, tmp_path, monkeypatch
):
    import shutil

    monkeypatch.setenv("RTDET_CACHE", str(tmp_path / "cache"))

    from rtdet.detectors.registry import model_card, weights_of

    models = []
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        models.append(shutil.copy(weights_of(model_card("rtdet-n")), tmp_path / run / "model.safetensors"))
    done = rtdet(
        "compare",
        "--data",
        streets,
        "--models",
        ",".join(map(str, models)),
        "--seconds",
        "0.1",
        "--out",
        "r.json",
    )
    assert done.code == 0, done.err
    lines = [line.split() for line in done.out.splitlines()]
    rows = [line for line in lines if line and line[0].endswith("/model.safetensors")]
    assert {row[0] for row in rows} == {"first/model.safetensors", "second/model.safetensors"}
    assert rows[0][1:6] == rows[1][1:6]
    assert "Not compared, because not every model knows them (first/model.safetensors, " in done.out
    assert "unicorn" in done.out
    written = json.loads((tmp_path / "r.json").read_text())
    assert written["classes"] == ["person", "car"]
    for entry in written["models"]:
        assert entry["parameters"] > 500_000
        assert entry["multiply_adds"] > 10**8
        assert entry["per_second"] > 0
        assert 1 < entry["megabytes"] < 10
        assert 0 < entry["scores"]["ap50"] <= 1


def test_the_report_is_a_page(rtdet, streets, tmp_path):
    done = rtdet("compare", "--data", streets, "--models", "rtdet-n", "--seconds", "0.1", "--out", "r.html")
    assert done.code == 0, done.err
    assert "<svg" in (tmp_path / "r.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("models", "out", "code", "said"),
    [
        ("rtdet-n,rtdet-n", None, 2, "--models names rtdet-n twice"),
        (",", None, 2, "--models names no model"),
        ("rtdet-n,nosuch", None, 4, "nosuch"),
        ("rtdet-n", "r.pdf", 2, ".html or .json"),
        ("rtdet-n", "nowhere/r.html", 5, "nowhere does not exist"),
    ],
)
def test_what_cannot_be_compared_is_one_line(rtdet, streets, models, out, code, said):
    done = rtdet("compare", "--data", streets, "--models", models, *(["--out", out] if out else []))
    assert done.code == code
    assert len(done.errors) == 1
    assert said in done.errors[0]
