"""The examples in the documentation of the public API run, and give what they say."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import av
import pytest

import rtdet
from rtdet.demo import DemoScene
from tests.conftest import ROOT

PUBLIC = ["run", "run_many", "run_batch", "open_source", "load_tracker", "load_detector", "train"]


@pytest.fixture
def with_street(tmp_path, monkeypatch) -> Path:
    """An empty current folder with half a second of the rendered street in it, as street.mp4."""
    monkeypatch.chdir(tmp_path)
    scene = DemoScene(seed=0, width=640, height=360, fps=20.0, duration_s=0.5)
    with av.open("street.mp4", "w") as container:
        stream = container.add_stream("libx264", rate=20, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for index in range(scene.frame_count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(scene.render(index), format="bgr24")))
        container.mux(stream.encode(None))
    return tmp_path


@pytest.mark.parametrize("name", PUBLIC)
def test_the_examples_of_a_public_function_give_what_they_say(name, with_street, squares):
    function = getattr(rtdet, name)
    found = doctest.DocTestFinder(recurse=False).find(function, name, globs={"rtdet": rtdet})
    assert any(test.examples for test in found), f"rtdet.{name} has no example"
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in found:
        runner.run(test, out=said.append)
    assert not runner.summarize(verbose=False).failed, "".join(said)


def test_the_packages_example_runs(with_street, capsys):
    lines = (rtdet.__doc__ or "").splitlines()
    code = "\n".join(line[4:] for line in lines if line.startswith("    "))
    exec(compile(code, "rtdet", "exec"), {})
    assert len(capsys.readouterr().out.splitlines()) >= 10  # a line for each frame


def test_the_readmes_python_runs(with_street, capsys):
    section = (
        (ROOT / "README.md").read_text(encoding="utf-8").partition("## From Python")[2].partition("\n## ")[0]
    )
    blocks = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    assert len(capsys.readouterr().out.splitlines()) >= 10  # a line for each frame
