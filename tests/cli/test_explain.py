"""`rtdet explain` as a command."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from rtdet.cli import main


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def test_the_demo_is_explained_with_its_own_labels(tmp_path):
    page = tmp_path / "page.html"
    assert run("explain", "demo", "--start", "4", "--out", str(page)) == 0
    text = page.read_text()
    assert "What happens inside rtdet-n" in text
    assert "How good is it here?" in text


def test_labels_of_a_data_set_and_of_its_json_are_the_same(squares, tmp_path):
    pages = []
    picture = squares / "images" / "0.png"
    for labels in (squares, squares / "squares.json"):
        page = tmp_path / f"{labels.name}.html"
        assert run("explain", str(picture), "--labels", str(labels), "--out", str(page)) == 0
        pages.append(page.read_text())
    assert pages[0] == pages[1]
    assert "1 labelled object is of a class that the model does not know" in pages[0]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["missing.jpg", "--out", "page.html"], 3, "missing.jpg"),
        (["demo", "--out", "page.pdf"], 2, "page.pdf"),
        (["demo", "--out", "nowhere/page.html"], 5, "nowhere"),
        (["demo", "--out", "page.html", "--labels", "x"], 2, "demo knows its own labels"),
        (["demo", "--out", "page.html", "--model", "rtdet-m"], 4, "rtdet-n"),
        (["grey.png", "--out", "page.html", "--labels", "missing"], 2, "missing"),
        (
            ["grey.png", "--out", "page.html", "--labels", "others.json"],
            2,
            "no labels of a picture called grey.png",
        ),
    ],
)
def test_bad_input_gets_one_line(arguments, code, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("grey.png", np.full((64, 64, 3), 90, np.uint8))
    content = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "person"}]}
    (tmp_path / "others.json").write_text(json.dumps(content))
    assert run("explain", *arguments) == code
    said = capsys.readouterr().err.strip()
    assert words in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "page.html").exists()
