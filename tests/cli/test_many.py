"""Several sources without a window, from the command line."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import pytest

from tests.cli.conftest import ROOT


def _frames(path: Path) -> int:
    with av.open(str(path)) as film:
        return sum(1 for _ in film.decode(video=0))


def _ids(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_each_source_has_outputs_of_its_own_which_are_those_of_a_run_by_itself(rtdet, clip, tmp_path) -> None:
    shutil.copy(clip, tmp_path / "yard.mp4")
    (tmp_path / "out").mkdir()
    outputs = ["--save", "out/{name}.mp4", "--tracks", "out/{index}-{name}.csv", "--keep", "out/{name}.rtdet"]
    both = rtdet("--source", clip, "--source", "yard.mp4", "--headless", *outputs, "--stats", "stats.json")
    assert (both.code, both.errors) == (0, [])
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "street.mp4", "yard.mp4", "1-street.csv", "2-yard.csv", "street.rtdet", "yard.rtdet",
    }  # fmt: skip
    # Kept like them: what a run keeps may tip the balance of a box now and then.
    assert rtdet(clip, "--headless", "--tracks", "alone.csv", "--keep", "alone.rtdet").code == 0
    alone = _ids(tmp_path / "alone.csv")
    assert _ids(tmp_path / "out" / "1-street.csv") == _ids(tmp_path / "out" / "2-yard.csv") == alone
    assert _frames(tmp_path / "out" / "yard.mp4") == 40
    numbers = json.loads((tmp_path / "stats.json").read_text())["sources"]
    assert [(one["name"], one["frames"]["processed"], one["frames"]["dropped"]) for one in numbers] == [
        ("street", 40, {}),
        ("yard", 40, {}),
    ]
    assert re.search(
        r"^street: 40 frames in .*\nyard: 40 frames in .*\ntogether: 80 frames in ", both.err, re.M
    )
    assert "wrote out/yard.mp4" in both.err


def test_a_name_may_stand_in_the_outputs_of_one_source_too(rtdet, clip, tmp_path) -> None:
    assert rtdet(clip, "--headless", "--max-frames", "3", "--tracks", "{name}.csv").code == 0
    assert (tmp_path / "street.csv").exists()


def test_statistics_may_be_a_file_for_each(rtdet, clip, tmp_path) -> None:
    run = rtdet(clip, "demo", "--headless", "--max-frames", "3", "--stats", "{name}.json", "--quiet")
    assert (run.code, run.err) == (0, "")
    for name in ("street", "demo"):
        numbers = json.loads((tmp_path / f"{name}.json").read_text())
        assert (numbers["name"], numbers["frames"]["processed"]) == (name, 3)


def test_one_that_fails_is_said_by_name_and_the_others_are_finished(rtdet, clip, tmp_path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"\0\0\0\x20ftypisom")
    (tmp_path / "damaged.rtdet").write_bytes(b"no database")
    sources = [
        "--source",
        "broken.mp4",
        "--source",
        clip,
        "--source",
        "none.mp4",
        "--source",
        "damaged.rtdet",
    ]
    run = rtdet(*sources, "--headless", "--tracks", "{name}.csv", "--stats", "stats.json")
    assert run.code == 3, run.err
    assert sorted(line.split(": ")[2] for line in run.errors) == ["broken", "damaged", "none"]
    assert len(_ids(tmp_path / "street.csv")) > 40
    broken, street, none, _damaged = json.loads((tmp_path / "stats.json").read_text())["sources"]
    assert street["frames"]["processed"] == 40
    assert "error" not in street
    assert "no such file" in none["error"]
    assert "frames" not in broken
    assert re.search(r"^none: failed$", run.err, re.M)


def test_the_exit_code_is_that_of_the_first_that_failed(rtdet, clip, tmp_path) -> None:
    run = rtdet(clip, "demo", "--headless", "--max-frames", "3", "--tracks", "no/{name}.csv")
    assert run.code == 5
    assert len(run.errors) == 2


def test_one_file_for_several_is_one_line(rtdet, clip) -> None:
    run = rtdet(clip, "demo", "--headless", "--save", "out.mp4")
    assert run.code == 2
    assert run.errors == [
        "rtdet: error: --save out.mp4 would be one file for street and demo; put {name} into it, as in "
        "'out-{name}.mp4'"
    ]
    assert run.err.count("\n") == 1


def test_a_file_lists_sources_with_settings_of_their_own(rtdet, clip, tmp_path) -> None:
    (tmp_path / "cameras.toml").write_text(
        f"""
        tracks = "{{name}}.csv"
        max_frames = 10
        headless = true

        [[sources]]
        name = "front door"
        source = {json.dumps(str(clip))}
        classes = ["person"]

        [[sources]]
        source = "demo"
        max_frames = 5
        tracker = "sort"
        """
    )
    run = rtdet("--config", "cameras.toml")
    assert (run.code, run.errors) == (0, [])
    assert re.search(r"^front door: 10 frames", run.err, re.M)
    assert re.search(r"^demo: 5 frames", run.err, re.M)
    assert {row.split(",")[3] for row in _ids(tmp_path / "front door.csv")[1:]} <= {"person"}
    assert rtdet("--config", "cameras.toml", "--source", "front door", "--max-frames", "2").code == 0
    assert {row.split(",")[0] for row in _ids(tmp_path / "front door.csv")[1:]} <= {"1", "2"}
    wrong = rtdet("--config", "cameras.toml", "--tracker", "srot")
    assert (wrong.code, len(wrong.errors)) == (2, 1)


def test_events_of_all_may_go_to_standard_output_with_their_sources(start_rtdet, clip, tmp_path) -> None:
    corners = [[[0, 0], [640, 0], [640, 360], [0, 360], [0, 0]]]
    zone = {
        "type": "Feature",
        "properties": {"name": "all"},
        "geometry": {"type": "Polygon", "coordinates": corners},
    }
    zones = {"type": "FeatureCollection", "properties": {"size": [640, 360]}, "features": [zone]}
    (tmp_path / "zones.json").write_text(json.dumps(zones))
    process = start_rtdet(
        clip, "demo", "--headless", "--zones", "zones.json", "--events", "-", "--counts", "{name}.csv",
        "--max-frames", "20",
    )  # fmt: skip
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    events = [json.loads(row) for row in out.splitlines()]
    assert {event["source"] for event in events} == {"street", "demo"}
    assert {"street.csv", "demo.csv"} <= {path.name for path in tmp_path.iterdir()}


def test_ctrl_c_finishes_the_outputs_of_all(start_rtdet, tmp_path) -> None:
    process = start_rtdet(
        "demo", "demo:2", "none.mp4", "--headless", "--save", "{name}.mp4", "--tracks", "{name}.csv",
        "--stats", "stats.json",
    )  # fmt: skip
    names = ("demo", "demo-2")
    give_up = time.monotonic() + 60
    while not all((tmp_path / f"{name}.mp4").exists() for name in names):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < give_up
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "finishing the outputs" in err
    numbers = json.loads((tmp_path / "stats.json").read_text())["sources"]
    for name, one in zip(names, numbers, strict=False):
        assert _frames(tmp_path / f"{name}.mp4") == one["frames"]["processed"]
        assert one["frames"]["dropped"].keys() <= {"stop"}
        assert f"{name}: {one['frames']['processed']} frames" in err


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_terminal_each_source_has_a_line_of_progress(tmp_path) -> None:
    mine, its = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "rtdet", "demo", "demo:2", "--headless", "--max-frames", "20"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "120"},
        stdout=its,
        stderr=its,
    )
    os.close(its)
    shown = b""
    try:
        while chunk := os.read(mine, 65536):
            shown += chunk
    except OSError:  # the other end was closed
        pass
    finally:
        os.close(mine)
    assert process.wait(60) == 0
    text = shown.decode(errors="replace")
    assert re.search(r"demo .* of 20 frames", text)
    assert re.search(r"demo-2 .* of 20 frames", text)
    assert "together: 40 frames" in text
