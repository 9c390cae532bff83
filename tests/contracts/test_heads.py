"""What every family of heads promises; a new line in HEADS is tested here at once (add a maker for it)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtdet.detectors.graph_detector import GraphDetector
from rtdet.detectors.heads.graph import open_graph
from rtdet.detectors.heads.registry import HEADS, recognize_head
from rtdet.errors import ModelError, UnknownNameError
from rtdet.types import Thresholds
from tests.detectors.heads.makers import MAKERS, Made, all_made
from tests.detectors.heads.more_makers import MORE_MAKERS

EVERY = all_made({**MAKERS, **MORE_MAKERS})
LOW = Thresholds(confidence=0.3, iou=0.9)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(params=EVERY, ids=[f"{family}-{made.name}" for family, made in EVERY])
def case(request: pytest.FixtureRequest) -> tuple[str, Made]:
    chosen: tuple[str, Made] = request.param
    return chosen


def test_every_family_has_a_maker() -> None:
    assert set(MAKERS) | set(MORE_MAKERS) == set(HEADS)


def test_it_is_recognised_and_says_why(case: tuple[str, Made], tmp_path: Path) -> None:
    family, made = case
    found = recognize_head(open_graph(made.save(tmp_path / "made.onnx")))
    assert found[0].name == family
    assert found[0].reason
    assert all(one.head.class_count is None or one.head.class_count > 0 for one in found)


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_the_boxes_that_it_gives_out_are_found_in_the_pixels_of_the_picture(
    case: tuple[str, Made], tmp_path: Path, backend: str
) -> None:
    family, made = case
    path = made.save(tmp_path / "made.onnx")
    detector = GraphDetector(path, thresholds=LOW, backend=backend, device="cpu")
    assert detector.head_name == family
    picture = np.ascontiguousarray(made.picture().repeat(2, axis=0).repeat(2, axis=1))
    (found,) = detector.detect([picture])
    detector.close()
    assert found.labels.tolist() == [label for label, _, _ in made.objects]
    np.testing.assert_allclose(found.scores, [score for _, score, _ in made.objects], atol=0.01)
    np.testing.assert_allclose(found.boxes, [np.array(box) * 2 for _, _, box in made.objects], atol=0.5)


def test_what_scores_too_low_is_not_given_out_and_nothing_is_zero_by_four(
    case: tuple[str, Made], tmp_path: Path
) -> None:
    detector = GraphDetector(case[1].save(tmp_path / "made.onnx"), thresholds=Thresholds(0.8), device="cpu")
    (found,) = detector.detect([case[1].picture()])
    assert found.labels.tolist() == [label for label, score, _ in case[1].objects if score >= 0.8]
    detector.thresholds = Thresholds(1.0)
    (found,) = detector.detect([case[1].picture()])
    assert found.boxes.shape == (0, 4)
    detector.close()


@pytest.mark.parametrize("made", dict(EVERY).values(), ids=dict(EVERY))  # one of each family
def test_outputs_that_are_no_numbers_are_no_error(made: Made, tmp_path: Path) -> None:
    graph = open_graph(made.save(tmp_path / "made.onnx"))
    head = recognize_head(graph)[0].head
    for value in (np.nan, np.inf, -np.inf):
        outputs = tuple(
            np.full([side or 9 for side in port.shape], value if "float" in port.dtype else 0, port.dtype)
            for port in graph.outputs
        )
        with np.errstate(all="ignore"):
            found = head.decode(outputs, graph.size, 0.3)
        assert len(found.boxes) == len(found.scores) == len(found.labels)
        assert (found.labels >= 0).all()


def test_a_picture_of_other_colors_is_not_answered(case: tuple[str, Made], tmp_path: Path) -> None:
    """The networks of these tests look at their input: what they see of this one shows that it was prepared right."""
    detector = GraphDetector(case[1].save(tmp_path / "made.onnx"), thresholds=LOW, device="cpu")
    (found,) = detector.detect([np.ascontiguousarray(case[1].picture()[..., ::-1])])
    assert len(found) == 0
    detector.close()


def test_the_family_may_be_named_and_another_is_refused_or_at_least_does_not_crash(
    case: tuple[str, Made], tmp_path: Path
) -> None:
    family, made = case
    path = made.save(tmp_path / "made.onnx")
    named = GraphDetector(path, thresholds=LOW, head=family, device="cpu")
    assert len(named.detect([made.picture()])[0]) == len(made.objects)
    named.close()
    graph = open_graph(path)
    for other in HEADS.keys() - {family}:
        if HEADS[other].recognize(graph) is None:
            continue
        try:
            detector = GraphDetector(path, thresholds=LOW, head=other, device="cpu")
        except ModelError:
            continue
        else:
            detector.detect([made.picture()])
            detector.close()


def test_an_unknown_family_names_the_nearest(tmp_path: Path) -> None:
    path = EVERY[0][1].save(tmp_path / "made.onnx")
    with pytest.raises(UnknownNameError, match="unknown head 'yolx': did you mean yolox"):
        GraphDetector(path, head="yolx")
