"""Asks the process that retracks (`retracking_process`) and takes in its answers."""

from __future__ import annotations

import io
import json
import logging
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rtdet.kept.retrack import Tracking
from rtdet.kept.retracker import Rows
from rtdet.kept.retracking_process import request_line
from rtdet.tracks.table import TrackTable

log = logging.getLogger("rtdet.kept")

_NOTHING_LEFT = "the process that tracks again has ended"


@dataclass(frozen=True, eq=False)
class Answer:
    """To the request `number`: the share that is done, or the whole table, or an error as one line."""

    number: int
    share: float = 0.0
    table: TrackTable | None = None
    error: str = ""


class RetrackingClient:
    """Retracks kept runs in another process, which starts at the first request. Safe for one thread."""

    def __init__(self) -> None:
        self.number = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()

    def request(self, path: Path, tracking: Tracking) -> int:
        """Asks for the tracks of the run as far as it is kept; a request before it is given up. Returns its number.
        What fails is an answer."""
        self.number += 1
        for _ in range(2):
            process = self._running()
            try:
                assert process.stdin is not None
                process.stdin.write(request_line(self.number, str(path.resolve()), tracking))
                process.stdin.flush()
                return self.number
            except OSError:  # it died; perhaps for want of memory
                self.close()
        self._answers.put(Answer(self.number, error=_NOTHING_LEFT))
        return self.number

    def answers(self) -> Iterator[Answer]:
        """Those that have come since the last time. Never waits."""
        with suppress(queue.Empty):
            while True:
                yield self._answers.get_nowait()

    def close(self) -> None:
        """Ends the process; a later request starts another."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        process.kill()
        process.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = process = subprocess.Popen(
                [sys.executable, "-m", "rtdet.kept.retracking_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # Not in the user's folder, whose files Python would take for its own modules.
                cwd=Path(__file__).parents[2],
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
            threading.Thread(target=self._read, args=(process,), name="rtdet-retracking", daemon=True).start()
        return self._process

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        """The thread that takes in answers: tables are put together here, not where the window is painted."""
        output = process.stdout
        assert output is not None
        rows: Rows | None = None
        with output:
            try:
                for line in output:
                    head = json.loads(line)
                    content = output.read(head.get("bytes", 0))
                    if "bytes" in head:
                        rows = self._take(head, content, rows)
                    else:
                        self._answers.put(
                            Answer(head["id"], head.get("share", 0.0), error=head.get("error", ""))
                        )
            except (OSError, ValueError) as error:
                log.debug("reading the retracking process: %s", error)
        if process is self._process:  # nobody asked it to end
            self._answers.put(Answer(self.number, error=_NOTHING_LEFT))

    def _take(self, head: dict[str, Any], content: bytes, before: Rows | None) -> Rows:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            rows = Rows.from_arrays(arrays)
        if before is not None and not head["is_new"]:
            rows = before.followed_by(rows)
        if head["is_last"]:
            began = time.monotonic()
            try:
                table = rows.table(tuple(head["class_names"]))
            except ValueError as error:  # the value of a damaged file
                self._answers.put(Answer(head["id"], error=f"the run is damaged: {error}"))
                return rows
            log.debug("a table of %d rows in %.0f ms", len(table), (time.monotonic() - began) * 1e3)
            self._answers.put(Answer(head["id"], 1.0, table))
        return rows
