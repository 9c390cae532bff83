"""Every output in the registry keeps the promises of the Sink protocol."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from rtdet.errors import OutputError
from rtdet.protocols import Sink
from rtdet.tracks import DETECTION_FILES, FORMATS, open_detection_file, open_track_file
from rtdet.types import Detections, Frame, FrameResult, SourceInfo, Tracks
from rtdet.video.recording import RECORDINGS

INFO = SourceInfo("made", 64, 48, 25.0)
Opened = Callable[[Path, SourceInfo], Sink]
EVERY: list[tuple[str, Opened]] = [(f"sink{suffix}", kind) for suffix, kind in RECORDINGS.items()]
EVERY += [(f"sink{suffix}", lambda path, info: open_track_file(path)) for suffix in FORMATS]
EVERY += [(f"detections{suffix}", lambda path, info: open_detection_file(path)) for suffix in DETECTION_FILES]
every_sink = pytest.mark.parametrize(("name", "kind"), EVERY, ids=[name for name, _ in EVERY])


def a_result(index: int, boxes: int = 2) -> FrameResult:
    image = np.random.default_rng(index).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    xyxy = np.array([[i, i, i + 20, i + 20] for i in range(boxes)], dtype=float).reshape(-1, 4)
    seen = Detections(xyxy, class_names=("person",))
    return FrameResult(
        Frame(image, index / 25, index), seen, Tracks(xyxy, range(1, boxes + 1), class_names=("person",))
    )


@every_sink
def test_it_is_a_sink_that_takes_frames_with_and_without_boxes_and_closes_twice(
    tmp_path: Path, name: str, kind: Opened
) -> None:
    sink = kind(tmp_path / name, INFO)
    assert isinstance(sink, Sink)
    for index, boxes in enumerate([0, 2, 300, 1, 0]):
        sink.write(a_result(index, boxes))
    sink.close()
    size = (tmp_path / name).stat().st_size
    sink.close()
    assert (tmp_path / name).stat().st_size == size > 0


@every_sink
def test_it_refuses_a_missing_folder_before_the_run(tmp_path: Path, name: str, kind: Opened) -> None:
    with pytest.raises(OutputError, match=r"the folder .*absent does not exist; create it or choose another"):
        kind(tmp_path / "absent" / name, INFO)


@every_sink
def test_opening_it_changes_nothing_on_the_disk(tmp_path: Path, name: str, kind: Opened) -> None:
    (tmp_path / name).write_bytes(b"older")
    kind(tmp_path / name, INFO).close()
    assert (tmp_path / name).read_bytes() == b"older"
    (tmp_path / name).unlink()
    kind(tmp_path / name, INFO).close()
    assert list(tmp_path.iterdir()) == []


@every_sink
def test_writing_after_close_is_an_output_error(tmp_path: Path, name: str, kind: Opened) -> None:
    sink = kind(tmp_path / name, INFO)
    sink.write(a_result(0))
    sink.close()
    with pytest.raises(OutputError, match="already closed"):
        sink.write(a_result(1))


@every_sink
def test_one_frame_is_enough_and_two_sinks_side_by_side_do_not_meet(
    tmp_path: Path, name: str, kind: Opened
) -> None:
    first, second = kind(tmp_path / name, INFO), kind(tmp_path / f"2{name}", INFO)
    first.write(a_result(0))
    second.write(a_result(0))
    first.close()
    second.close()
    assert (tmp_path / name).read_bytes() == (tmp_path / f"2{name}").read_bytes() != b""


@every_sink
def test_a_folder_that_vanishes_is_noticed_within_a_second_and_closing_still_works(
    tmp_path: Path, name: str, kind: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr("rtdet.output_file.time", SimpleNamespace(monotonic=lambda: clock[0]))
    (tmp_path / "out").mkdir()
    sink = kind(tmp_path / "out" / name, INFO)
    for index in range(3):
        sink.write(a_result(index))
    (tmp_path / "out").rename(tmp_path / "moved")
    clock[0] += 1.5

    def go_on() -> None:
        for index in range(3, 60):  # a format may gather some before it writes
            clock[0] += 0.04
            sink.write(a_result(index))

    with pytest.raises(OutputError, match=r"was deleted or moved while it was being written"):
        go_on()
    with suppress(OutputError):
        sink.close()


@every_sink
def test_a_full_disk_is_one_clear_error_and_closing_still_works(
    small_disk: Path, name: str, kind: Opened
) -> None:
    sink = kind(small_disk / name, INFO)

    def fill() -> None:
        noise, give_up = np.random.default_rng(0), time.monotonic() + 60
        for index in itertools.count():  # some formats write once a second only, whatever has come by then
            assert time.monotonic() < give_up
            boxes = np.cumsum(noise.uniform(1, 30, (30, 4)), axis=1)
            seen, tracks = Detections(boxes, class_names=("car",)), Tracks(boxes, range(1, 31))
            sink.write(FrameResult(a_result(index).frame, seen, tracks))

    with pytest.raises(OutputError, match=r"the disk is full: .* is incomplete; free some space") as caught:
        fill()
    assert "\n" not in str(caught.value)
    sink.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=96k", "none", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
