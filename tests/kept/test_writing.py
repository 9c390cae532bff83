"""A kept run is whole at any moment, and refuses what it cannot do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rtdet.errors import OutputError, UsageError
from rtdet.kept import About, KeptRun, KeptRunWriter
from rtdet.pipeline.kept_frame import CARRIED, KeptFrame
from tests.kept.conftest import frame

_SLOW_RUN = """
import sys, time
from rtdet.kept import About, KeptRunWriter
from tests.kept.conftest import frame
writer = KeptRunWriter(sys.argv[1], About)
for number in range(1, 100_000):
    writer.write(frame(number))
    print(number, flush=True)
    time.sleep(0.01)
"""


def test_kill_9_costs_the_frames_of_the_last_two_seconds_at_most(tmp_path: Path) -> None:
    path = tmp_path / "RUN.rtdet"
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", _SLOW_RUN, str(path)], cwd=root, stdout=subprocess.PIPE, text=True
    )
    written: list[tuple[float, int]] = []
    assert process.stdout is not None
    for line in process.stdout:
        written.append((time.monotonic(), int(line)))
        if written[-1][0] - written[0][0] > 4:
            process.send_signal(signal.SIGKILL)
            break
    died = time.monotonic()
    process.wait()
    process.stdout.close()
    due = [number for at, number in written if at < died - 2]
    with KeptRun(path) as run:
        kept = [one.number for one in run.walk()]
    assert kept == list(range(1, len(kept) + 1))
    assert len(kept) >= due[-1]


def test_an_older_file_is_replaced_at_the_first_frame(tmp_path: Path) -> None:
    path = tmp_path / "RUN.rtdet"
    path.write_text("what was there")
    writer = KeptRunWriter(path, About)
    assert path.read_text() == "what was there"
    writer.write(frame(1))
    writer.close()
    with KeptRun(path) as run:
        assert len(run.frames.numbers) == 1


def test_nothing_is_written_where_nothing_came(tmp_path: Path) -> None:
    writer = KeptRunWriter(tmp_path / "RUN.rtdet", About)
    writer.close()
    writer.close()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"the folder .*missing does not exist"):
        KeptRunWriter(tmp_path / "missing" / "RUN.rtdet", About)


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OutputError, match=r"is a pipe or a device, but a kept run is a database"):
        KeptRunWriter(pipe, About)


def test_a_file_that_is_deleted_meanwhile_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "RUN.rtdet"
    writer = KeptRunWriter(path, About)
    writer.write(frame(1))
    path.unlink()
    time.sleep(1)
    with pytest.raises(OutputError, match=r"RUN\.rtdet was deleted or moved while it was being written"):
        writer.write(frame(2))
    writer.close()


def test_a_full_disk_is_one_line() -> None:
    full = Path("/dev/shm/kept-test.rtdet")
    if not Path("/dev/shm").is_dir():
        pytest.skip("needs a file system in memory")
    limit = 200_000
    code = (
        "import resource, signal; from rtdet.kept import About, KeptRunWriter\n"
        "from tests.kept.conftest import frame\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        f"writer = KeptRunWriter({str(full)!r}, About)\n"
        "try:\n"
        "    for n in range(1, 10000): writer.write(frame(n, 50))\n"
        "    writer.close()\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    try:
        root = Path(__file__).parents[2]
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
        )
    finally:
        full.unlink(missing_ok=True)
        full.with_name(full.name + "-journal").unlink(missing_ok=True)
    assert done.stdout.startswith("OutputError ")
    assert str(full) in done.stdout


def test_a_file_with_a_limit_forgets_its_oldest_frames(tmp_path: Path) -> None:
    path = tmp_path / "RUN.rtdet"
    writer = KeptRunWriter(path, About, most_bytes=300_000)
    for number in range(1, 3001):
        writer.write(frame(number, 10))
    writer.close()
    assert path.stat().st_size < 500_000
    with KeptRun(path) as run:
        numbers = [one.number for one in run.walk()]
    assert numbers[-1] == 3000
    assert numbers == list(range(numbers[0], 3001))
    assert len(numbers) > 500


def test_what_was_written_can_be_read_while_the_run_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "RUN.rtdet"
    writer = KeptRunWriter(path, About)
    writer.write(frame(1))
    with KeptRun(path) as run:
        for number in (2, 3):
            writer.write(frame(number))
        writer.flush()
        run.set_document("zones", "{}")
        run.reread()
        assert run.frames.numbers.tolist() == [1, 2, 3]
        assert len(run.candidates(3)) == 3
        writer.write(frame(4))
        writer.close()
        run.reread()
        assert (run.document("zones"), len(run.frames.numbers)) == ("{}", 4)


def test_only_a_file_that_is_called_a_kept_run_is_written(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"a film")
    with pytest.raises(
        UsageError, match=r"film\.mp4 ends in \.mp4, which is no format of a kept run; use \.rtdet"
    ):
        KeptRunWriter(film, About)
    assert film.read_bytes() == b"a film"


def test_a_copy_that_takes_long_does_not_end_the_keeping(tmp_path: Path) -> None:
    path = tmp_path / "RUN.rtdet"
    writer = KeptRunWriter(path, About)
    writer.write(frame(1))
    writer.flush()
    assert writer._database is not None
    assert writer._database.execute("PRAGMA busy_timeout").fetchone()[0] >= 60_000
    writer.close()


def test_a_carried_frame_replaces_a_dropped_one_but_none_that_was_looked_at(
    make_run: Callable[..., Path],
) -> None:
    dropped = KeptFrame(2, 0.04, 512, (640, 480), dropped="detector_busy")
    carried = [KeptFrame(n, (n - 1) / 25, 512, (320, 240), dropped=CARRIED) for n in (1, 2, 3)]
    with KeptRun(make_run(frames=[frame(1), dropped, *carried])) as run:
        assert run.frames.dropped == ["", "carried", "carried"]
        assert run.frames.sizes.tolist() == [[640, 480], [320, 240], [320, 240]]
        assert [(one.is_carried, one.size) for one in run.walk()][1:] == [(True, (320, 240))] * 2
