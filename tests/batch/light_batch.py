"""A batch with light workers, which ends itself at a moment that is told, as if by kill -9:

`python light_batch.py OUT MOMENT COUNT SOURCE...`. MOMENT is `never`, or one of MOMENTS, which comes for the COUNTth
time. `worker` kills a worker then and goes on; the others kill this process, and `all` its workers too. Films are cut
into three pieces, or as many as the environment's PIECES says.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

from rtdet.batch import layout as layout_module
from rtdet.batch.driver import Driver
from rtdet.batch.engines import local
from rtdet.batch.engines.opening import EngineWish
from rtdet.batch.journal import Journal
from rtdet.batch.layout import Layout
from rtdet.batch.run import Wish, work_through
from rtdet.batch.settings import Settings
from rtdet.batch.tasks import Cut
from rtdet.errors import RtdetError

ROOT = Path(__file__).resolve().parents[2]
# Where an end hurts most: around each step of what is put in place and noted.
MOMENTS = {
    "before a source is put": (Layout, "put_source", "before"),
    "while a source is put": (layout_module, "_sync", "after"),
    "between the tracks and the outputs": (shutil, "rmtree", "before"),
    "before a source is noted": (Journal, "done", "before"),
    "after a source was noted": (Journal, "done", "after"),
    "before a piece is noted": (Journal, "piece_done", "before"),
    "after a piece was noted": (Journal, "piece_done", "after"),
    "after a cut was noted": (Journal, "cut", "after"),
    "after a task was given": (Driver, "_task", "after"),
    "while sources are listed": (Journal, "add", "before"),
}


def light_command(cores: int) -> list[str]:
    return [sys.executable, str(ROOT / "tests" / "batch" / "light_worker.py"), str(cores)]


def main(out: str, moment: str, count: int, sources: list[str]) -> int:
    engines = []

    class Engine(local.LocalEngine):
        def __init__(self, workers, limits, note):
            super().__init__(workers, limits, light_command, note)
            engines.append(self)

        def _take(self, worker, message):
            nonlocal count
            if moment == "worker":
                count -= 1
                if count == 0:
                    os.kill(worker.pid, signal.SIGKILL)
            return super()._take(worker, message)

    from rtdet.batch.engines import opening

    opening.LocalEngine = Engine
    kind = moment.removeprefix("all: ")
    if kind in MOMENTS:
        of, name, when = MOMENTS[kind]
        real = getattr(of, name)

        def ending(*arguments, **more):
            nonlocal count
            count -= 1
            if count == 0 and when == "before":
                _end(engines if moment.startswith("all: ") else [])
            result = real(*arguments, **more)
            if count == 0:
                _end(engines if moment.startswith("all: ") else [])
            return result

        setattr(of, name, ending)
    wish = Wish(
        Path(out), sources, Settings({"tracker": "rtdet"}), Cut(count=int(os.environ.get("PIECES", "3"))),
        engine=EngineWish("local", workers=2, cores=1, memory="400MB", stalled_s=8.0), quiet=True,
    )  # fmt: skip
    summary = work_through(wish)
    return 3 if summary.counts.failed else 0


def _end(engines):
    for engine in engines:
        for pid in engine.pids():
            os.kill(pid, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]))
    except RtdetError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from None
