"""Eight sources without a window, from the command line: one is lost for good, one freezes and one vanishes for a
while, one was never there, and the others go on."""

from __future__ import annotations

import json
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing

import av
import pytest

from tests.loopback import Camera, FilmServer, until


@pytest.fixture
def cameras() -> Iterator[list[Camera]]:
    with ExitStack() as stack:
        yield [stack.enter_context(closing(Camera(fps=5))) for _ in range(4)]


@pytest.fixture
def film(clip, tmp_path) -> Iterator[FilmServer]:
    """A film whose index comes first, and whose pictures then come in the course of a minute."""
    path = tmp_path / "film.mp4"
    with av.open(str(clip)) as read, av.open(str(path), "w", options={"movflags": "faststart"}) as written:
        stream = read.streams.video[0]
        copy = written.add_stream_from_template(stream)
        for packet in read.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                written.mux(packet)
    with closing(FilmServer(path, path.stat().st_size // 60)) as server:
        yield server


def test_two_of_eight_freeze_and_vanish_and_come_back_others_fail_and_the_rest_loses_nothing(
    start_rtdet, rtdet, clip, film, cameras, tmp_path, request
) -> None:
    shutil.copy(clip, tmp_path / "yard.mp4")
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        refused = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
    freezing, vanishing, *steady = cameras
    sources = {
        "freezing": freezing.url, "vanishing": vanishing.url, "steady": steady[0].url, "calm": steady[1].url,
        "lost": film.url, "refused": refused, "street": str(clip), "yard": "yard.mp4",
    }  # fmt: skip
    tables = [f'[[sources]]\nname = "{name}"\nsource = "{source}"\n' for name, source in sources.items()]
    (tmp_path / "eight.toml").write_text(
        f'tracks = "{{name}}.csv"\nstats = "stats.json"\nimgsz = 64\nmax_frames = 250\n\n{"".join(tables)}'
    )
    said: list[str] = []
    run = start_rtdet("--config", "eight.toml", "--headless")
    request.addfinalizer(run.kill)
    reader = threading.Thread(target=lambda: said.extend(run.stderr))
    reader.start()

    def was_said(pattern: str) -> bool:
        return any(re.search(pattern, line) for line in said)

    until(lambda: (tmp_path / "lost.csv").exists(), "the film is open")
    until(lambda: all(camera.sent > 10 for camera in cameras), "all cameras are on")
    until(lambda: was_said("error: refused: "), "one was never there")
    freezing.freeze()
    vanishing.vanish()
    film.vanish()
    until(lambda: was_said("warning: vanishing: .* was lost"), "one vanishes")
    until(lambda: was_said("warning: freezing: .* was lost"), "one freezes")
    until(lambda: was_said("error: lost: .* was lost"), "one is lost for good")
    back = freezing, vanishing
    sent = [camera.sent for camera in back]
    for camera in back:
        camera.come_back()
    until(
        lambda: all(camera.sent > before + 10 for camera, before in zip(back, sent, strict=True)),
        "two are back",
    )
    for camera in cameras:
        camera.hurry()
    assert run.wait(60) == 3, said
    reader.join()
    run.communicate()
    lines = "".join(said)
    assert re.search(r"^street: 40 frames in ", lines, re.M)
    assert re.search(r"^lost: \d+ frames in .*, then it failed$", lines, re.M)
    assert re.search(r"^refused: failed$", lines, re.M)
    assert len(re.findall("warning: ", lines)) == 2
    assert "Traceback" not in lines
    numbers = {one["name"]: one for one in json.loads((tmp_path / "stats.json").read_text())["sources"]}
    assert {name for name, one in numbers.items() if "error" in one} == {"lost", "refused"}
    for name in ("street", "yard"):
        assert numbers[name]["frames"]["processed"] == 40
        assert numbers[name]["frames"]["dropped"] == {}
    for name in ("steady", "calm", "freezing", "vanishing"):
        frames = numbers[name]["frames"]
        assert frames["in"] == 250 == frames["processed"] + sum(frames["dropped"].values())
    assert rtdet(clip, "--imgsz", "64", "--headless", "--tracks", "alone.csv").code == 0
    for name in ("street", "yard"):
        assert (tmp_path / f"{name}.csv").read_text() == (tmp_path / "alone.csv").read_text()
