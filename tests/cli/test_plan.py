"""`rtdet plan`: a picture of where everybody was, or one line that says why there is none."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest


@pytest.fixture
def walk(tmp_path):
    rows = [f"{f},{i},{60 + 3 * f * i},{80 * i},20,40,0.9,{i},1" for f in range(1, 31) for i in (1, 2)]
    (tmp_path / "a.txt").write_text("\n".join(rows) + "\n")
    header = "frame,time_s,id,class,score,left,top,width,height\n"
    lines = [
        f"{f},{f / 10},{i},{name},0.9,{60 + 3 * f * i},{80 * i},20,40\n"
        for f in range(1, 31) for i, name in ((1, "person"), (2, "car"))
    ]  # fmt: skip
    (tmp_path / "a.csv").write_text(header + "".join(lines))
    zones = {"properties": {"size": [400, 300], "ground": {"metres_per_pixel": 0.05}}}
    (tmp_path / "zones.json").write_text(json.dumps(zones))
    zones["properties"]["size"] = [99999, 99999]
    (tmp_path / "huge.json").write_text(json.dumps(zones))
    return tmp_path


def test_each_kind_of_picture_is_written(rtdet, walk):
    for kind, more in (
        ("plan", ["--zones", "zones.json"]),
        ("heat", []),
        ("trails", ["--zones", "zones.json"]),
    ):
        outcome = rtdet("plan", "a.txt", "--kind", kind, "--out", f"{kind}.png", *more)
        assert outcome.err == f"wrote {kind}.png: 2 tracks\n"
        assert cv2.imread(str(walk / f"{kind}.png")).std() > 5
    assert cv2.imread(str(walk / "trails.png")).shape == (300, 400, 3)


def test_the_source_is_grey_under_it(rtdet, walk):
    cv2.imwrite(str(walk / "place.png"), np.full((300, 400, 3), (250, 120, 60), dtype=np.uint8))
    outcome = rtdet("plan", "a.csv", "--kind", "trails", "--source", "place.png", "--out", "t.png")
    assert outcome.code == 0
    image = cv2.imread(str(walk / "t.png"))
    assert image.shape == (300, 400, 3)
    assert np.ptp(image[5, 5]) == 0
    assert image[5, 5, 0] > 60


def test_a_clip_is_drawn_under_it_without_a_second_inference(rtdet, walk, clip):
    outcome = rtdet("plan", "a.csv", "--kind", "heat", "--source", clip, "--out", "h.jpg")
    assert outcome.code == 0
    assert cv2.imread(str(walk / "h.jpg")).mean() > 30


def test_only_some_classes(rtdet, walk):
    assert rtdet("plan", "a.csv", "--kind", "heat", "--classes", "vehicles", "--out", "h.png").err.endswith(
        ": 1 track\n"
    )
    refused = rtdet("plan", "a.csv", "--kind", "heat", "--classes", "cra", "--out", "h.png")
    assert refused.code == 2
    assert "did you mean car" in refused.err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["a.txt", "--out", "p.png"], 2, "a plan needs the scale of the ground"),
        (["a.txt", "--zones", "zones.json", "--source", "x.mp4", "--out", "p.png"], 2, "no picture under it"),
        (["a.txt", "--kind", "heat", "--out", "p.gif"], 2, "no format of a picture"),
        (["a.txt", "--kind", "heat", "--fps", "0", "--out", "p.png"], 2, "--fps must be above 0"),
        (["absent.txt", "--kind", "heat", "--out", "p.png"], 3, "absent.txt"),
        (["a.txt", "--kind", "heat", "--source", "absent.mp4", "--out", "p.png"], 3, "absent.mp4"),
        (["a.txt", "--kind", "heat", "--out", "absent/p.png"], 5, "absent"),
        (["a.txt", "--kind", "heat", "--zones", "huge.json", "--out", "p.png"], 3, "99999x99999"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_one_line(rtdet, walk, arguments, code, message):
    refused = rtdet("plan", *arguments)
    assert refused.code == code
    assert len(refused.errors) == 1
    assert message in refused.errors[0]
    assert not list(walk.glob("p.*"))
