"""Pages of every kind of network: their numbers are the detector's, and they load nothing."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from rtdet.detectors.registry import load_detector
from rtdet.explain import demo_truth, explain, render
from rtdet.explain.explaining import look_inside
from rtdet.explain.inside import Subject
from rtdet.types import Thresholds

_PLACE = Path(__file__).parents[1] / "detectors" / "tiny_yolox.py"
_SPEC = importlib.util.spec_from_file_location("tiny_yolox", _PLACE)
tiny_yolox = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(tiny_yolox)


# So that a page is quick to make.
FEWER_PLACES = {"rcnn-n": {"proposals": 60}, "slidingwindow-n": {"sizes": (24.0, 48.0)}}


def family(name: str, folder: Path, classes=("person", "car")) -> Path:
    """A network with weights by chance, whose scores are spread."""
    import torch

    from rtdet.detectors.family.registry import build, new_config
    from rtdet.detectors.family.weights import save_weights

    torch.manual_seed(3)
    size = (96, 96) if name in ("ssd300", "yolov1-n") else None
    backbone = "narrow" if name == "ssd300" else None
    network = build(new_config(name, classes, backbone, size, FEWER_PLACES.get(name))).eval()
    for part in network.modules():
        if isinstance(part, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(part.weight)
    path = folder / f"{name}.safetensors"
    save_weights(network, path)
    return path


def opened(kind: str, folder: Path, confidence: float = 0.25):
    thresholds = Thresholds(confidence=confidence)
    if kind == "rtdet-n":
        return load_detector("rtdet-n", thresholds=thresholds, precision="fp32")
    if kind == "yolox":
        return load_detector(tiny_yolox.save_tiny_yolox(folder / "tiny.onnx"), thresholds=thresholds)
    if kind == "faster r-cnn":
        return load_detector(faster_rcnn(folder), thresholds=thresholds)
    return load_detector(
        family(kind, folder), thresholds=thresholds, precision="fp32", imgsz=None if "v1" in kind else 160
    )


def faster_rcnn(folder: Path) -> Path:
    import torch
    import torchvision

    torch.manual_seed(0)
    name = "fasterrcnn_mobilenet_v3_large_320_fpn"
    model = torchvision.models.get_model(name, weights=None, weights_backbone=None, num_classes=4).eval()
    torch.nn.init.normal_(model.roi_heads.box_predictor.cls_score.weight, std=3.0)
    torch.nn.init.normal_(model.roi_heads.box_predictor.cls_score.bias, std=1.0)
    path = folder / "faster.pth"
    torch.save(model.state_dict(), path)
    (folder / "faster.txt").write_text("person\ncar\ndog\n")
    return path


def red_spots():
    picture = np.full((128, 128, 3), 90, np.uint8)
    picture[24:48, 24:48] = (20, 20, 230)
    picture[80:104, 64:88] = (230, 20, 20)
    return picture


KINDS = [
    "rtdet-n", "yolox", "yolov3-n", "yolov1-n", "centernet-n", "slidingwindow-n", "rcnn-n", "fasterrcnn-n",
    "faster r-cnn",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_boxes_that_nms_leaves_are_those_of_the_detector(kind, street, tmp_path):
    image = red_spots() if kind == "yolox" else street
    detector = opened(kind, tmp_path, 0.1 if kind not in ("rtdet-n", "yolox") else 0.25)
    (detections,) = detector.detect([image])
    subject = Subject(image, detections, detector.class_names, detector.thresholds)
    inside = look_inside(detector, subject)
    found, suppression = inside.candidates, inside.suppression(detector.thresholds.iou)
    kept = [row for row in suppression.kept if found.scores[row] >= detector.thresholds.confidence]
    kept = kept[: detector.thresholds.max_detections]
    assert len(detections) > 0
    np.testing.assert_allclose(found.scores[kept], detections.scores, atol=1e-5)
    np.testing.assert_allclose(found.boxes[kept], detections.boxes, atol=0.02)
    assert found.labels[kept].tolist() == detections.labels.tolist()
    detector.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_has_the_six_numbers_of_each_box_and_loads_nothing(kind, street, tmp_path, read):
    image = red_spots() if kind == "yolox" else street
    detector = opened(kind, tmp_path, 0.1 if kind not in ("rtdet-n", "yolox") else 0.25)
    truth = demo_truth(0, 4.0, detector.class_names)
    html = render(explain(detector, image, model=kind, picture="street.png", truth=truth))
    page = read(html)
    (detections,) = detector.detect([image])
    for score, box in zip(detections.scores[:5], detections.boxes[:5], strict=True):
        for text in (f"{score:.3f}", *(f"{value:.1f}" for value in box)):
            assert text in page.text
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object", "embed", "base", "form")
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "xlink:href", "srcset", "action"):
            assert (attributes.get(name) or "#").startswith(("#", "data:image/"))
    assert "url(" not in html
    assert "@import" not in html
    detector.close()


def test_names_with_markup_are_escaped_everywhere(street, tmp_path, read):
    evil = '<img src=x onerror="alert(1)">'
    detector = load_detector(
        family("yolov3-n", tmp_path, (evil, "</style><script>")), thresholds=Thresholds(0.1)
    )
    truth = demo_truth(0, 4.0, ["person"])
    truth.names[:] = [evil] * len(truth.names)
    page = read(render(explain(detector, street, model=evil, picture=evil, truth=truth, about={evil: evil})))
    assert evil in page.text
    assert not [tag for tag, attributes in page.tags if tag in ("script", "img") or "onerror" in attributes]
    detector.close()


def test_nothing_found_is_a_page_too(tmp_path, read):
    detector = load_detector("rtdet-n", thresholds=Thresholds(confidence=0.9))
    page = read(
        render(explain(detector, np.full((90, 160, 3), 114, np.uint8), model="rtdet-n", picture="grey"))
    )
    assert "Nothing was found." in page.text
    assert "Nothing reaches the confidence of 0.90." in page.text
    detector.close()


def test_priors_are_matched_with_labels_as_a_training_matches_them():
    import torch

    from rtdet.detectors.ssd.levels import vgg_levels
    from rtdet.detectors.ssd.matcher import JaccardMatcher
    from rtdet.detectors.ssd.priors import make_priors
    from rtdet.explain.ssd_matching import match
    from rtdet.geometry.boxes import cxcywh_to_xyxy

    priors = make_priors(vgg_levels(300), (300, 300))
    boxes = np.array([[20.0, 30, 120, 200], [150, 40, 290, 280], [10, 10, 30, 30]])
    overlaps, matched, positive = match(priors, boxes)
    wanted = JaccardMatcher()(torch.from_numpy(cxcywh_to_xyxy(priors)), torch.from_numpy(boxes))
    assert overlaps.shape == (8732, 3)
    np.testing.assert_array_equal(matched, wanted[0])
    np.testing.assert_array_equal(positive, wanted[1])


def test_the_anchor_of_each_object_is_the_one_that_yolov3_trains():
    import torch

    from rtdet.detectors.yolov3.anchors import shape_overlap
    from rtdet.detectors.yolov3.config import COCO_ANCHORS
    from rtdet.explain.grid import shape_overlaps

    sizes, anchors = np.array([[40.0, 80], [300, 20]]), np.array(COCO_ANCHORS)
    expected = shape_overlap(torch.from_numpy(sizes), torch.from_numpy(anchors))
    np.testing.assert_allclose(shape_overlaps(sizes, anchors), expected)


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [
        (3549, (416, 416), [(8, 1), (16, 1), (32, 1)]),
        (25200, (640, 640), [(8, 3), (16, 3), (32, 3)]),
        (98, (448, 448), [(64, 2)]),
        (7, (416, 416), None),
    ],
)
def test_grids_are_known_by_how_many_places_there_are(count, size, expected):
    from rtdet.explain.grid import levels_for

    levels = levels_for(count, size)
    assert (None if levels is None else [(one.stride, one.per_cell) for one in levels]) == expected


def test_windows_of_a_page_are_those_of_the_network():
    import torch

    from rtdet.detectors.family.registry import build, new_config
    from rtdet.explain.windows import windows_of

    network = build(new_config("slidingwindow-n", ("a",), changes={"sizes": (24.0, 40.0)})).eval()
    with torch.no_grad():
        boxes = network.decode(network(torch.zeros(1, 3, 64, 96)))[0][0].numpy()
    expected = windows_of((96, 64), network.config.shapes).clip(0, [96, 64, 96, 64])
    np.testing.assert_allclose(boxes, expected, atol=1e-4)


def test_a_region_is_cut_out_as_the_network_gets_it():
    import torch

    from rtdet.detectors.rcnn.warping import warp, with_context
    from rtdet.explain import regions

    across = np.arange(80, dtype=np.float32)[None, :, None].repeat(60, 0).repeat(3, 2)
    region = np.array([[20.0, 20, 44, 44]])
    mine = regions.with_context(region, 32, 4)
    theirs = with_context(torch.from_numpy(region), 32, 4)
    np.testing.assert_allclose(mine, theirs)
    cut = regions.cut_out(across.astype(np.uint8), mine[0], 32)
    warped = warp(torch.from_numpy(across).permute(2, 0, 1)[None], theirs.float()[None], 32)
    np.testing.assert_allclose(cut[..., 0], warped[0, 0], atol=1)


@pytest.mark.parametrize(("kind", "shared"), [("rcnn-n", True), ("yolov3-n", False)])
def test_scores_that_share_out_one_are_told_from_those_that_do_not(kind, shared, street, tmp_path):
    detector = opened(kind, tmp_path, 0.1)
    (detections,) = detector.detect([street])
    inside = look_inside(detector, Subject(street, detections, detector.class_names, detector.thresholds))
    judged = inside.class_scores(0)
    detector.close()
    assert judged.is_softmax == shared
    assert ("background" in [name for name, _, _ in judged.rows]) == shared
    assert not shared or sum(score for _, _, score in judged.rows) == pytest.approx(1)
