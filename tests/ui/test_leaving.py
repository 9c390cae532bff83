"""The viewer's process ends, whatever it is busy with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import os, signal, sys, threading
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from rtdet.ui import run_viewer
from viewer_on_demo import DemoStage, RunConfig
class Stuck(DemoStage):
    def _open_source(self, config):
        print("opening", flush=True)
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
        threading.Event().wait()
services = Stuck().services()
sys.exit(run_viewer(RunConfig(model="truth"), services, settings_path=Path(sys.argv[2])))
"""


def test_a_source_that_never_opens_does_not_keep_the_process_alive(
    tmp_path: Path, viewer_script: Path
) -> None:
    arguments = [str(viewer_script.parent), str(tmp_path / "viewer.ini")]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 130, ended.stderr
    assert ended.stdout == "opening\n"
    assert (tmp_path / "viewer.ini").exists(), "the settings are kept all the same"
