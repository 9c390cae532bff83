"""Retracks a kept run in a process of its own, so that the picture on screen never waits for it.

Requests come on standard input, a line of JSON each: {"id", "path", "tracking"}. A newer one ends the one before; the
same run by the same settings is gone on with. Answers go to standard output, each a line of JSON: {"id", "share"} as
it goes, {"id", "error"}, or {"id", "is_new", "is_last", "class_names", "bytes"} followed by that many bytes of arrays
(np.savez of `Rows.as_arrays`).
"""

from __future__ import annotations

import io
import json
import logging
import os
import queue
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict
from typing import Any, BinaryIO

import numpy as np

from rtdet.errors import RtdetError
from rtdet.kept.reading import KeptRun
from rtdet.kept.retrack import Tracking
from rtdet.kept.retracker import Retracker

_TELL_EVERY_S = 0.1


class Server:
    """Answers the requests one after the other; the newest counts."""

    def __init__(self, output: BinaryIO) -> None:
        self._output = output
        self._newest = -1
        self._run: KeptRun | None = None
        self._retracker: Retracker | None = None
        self._told_at = 0.0

    def serve(self, requests: queue.Queue[dict[str, Any] | None]) -> None:
        """Until None comes."""
        while (request := requests.get()) is not None:
            while not requests.empty():
                newer = requests.get()
                if newer is None:
                    return
                request = newer
            try:
                self._answer(request, requests)
            except RtdetError as error:
                self._retracker = None
                self._say({"id": request["id"], "error": str(error)})

    def _answer(self, request: dict[str, Any], requests: queue.Queue[dict[str, Any] | None]) -> None:
        number = request["id"]
        words = request["tracking"]
        tracking = Tracking(**{**words, "classes": tuple(words["classes"]), "set": tuple(words["set"])})
        retracker = self._retracker_of(request["path"], tracking)

        def is_over(share: float) -> bool:
            if time.monotonic() - self._told_at > _TELL_EVERY_S:
                self._told_at = time.monotonic()
                self._say({"id": number, "share": round(share, 3)})
            return not requests.empty()

        assert self._run is not None
        names = list(self._run.class_names)
        waiting: tuple[bool, bytes] | None = None
        for is_new, rows in retracker.advance(is_over):
            if waiting is not None:
                self._send(number, *waiting, names, is_last=False)
            buffer = io.BytesIO()
            np.savez(buffer, **rows.as_arrays())
            waiting = is_new, buffer.getvalue()
        if not requests.empty():
            self._retracker = None  # who asked does not get to know these tracks
        elif waiting is not None:
            self._send(number, *waiting, names, is_last=True)

    def _retracker_of(self, path: str, tracking: Tracking) -> Retracker:
        if self._run is None or str(self._run.path) != path:
            if self._run is not None:
                self._run.close()
            self._run, self._retracker = None, None
            self._run = KeptRun(path)
        else:
            self._run.reread()
        if self._retracker is None or self._retracker.tracking != tracking:
            self._retracker = None
            self._retracker = Retracker(self._run, tracking)
        return self._retracker

    def _send(self, number: int, is_new: bool, content: bytes, names: list[str], *, is_last: bool) -> None:
        head = {
            "id": number,
            "is_new": is_new,
            "is_last": is_last,
            "class_names": names,
            "bytes": len(content),
        }
        self._say(head, content)

    def _say(self, head: dict[str, Any], content: bytes = b"") -> None:
        self._output.write(json.dumps(head).encode() + b"\n" + content)
        self._output.flush()


def request_line(number: int, path: str, tracking: Tracking) -> bytes:
    """A request as the process reads it."""
    return json.dumps({"id": number, "path": path, "tracking": asdict(tracking)}).encode() + b"\n"


def main() -> None:
    """Serves standard input until it ends."""
    logging.getLogger("rtdet").addHandler(logging.NullHandler())
    with suppress(OSError, AttributeError):
        os.nice(5)  # what is on screen goes first
    requests: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def read() -> None:
        for line in sys.stdin.buffer:
            requests.put(json.loads(line))
        requests.put(None)

    threading.Thread(target=read, daemon=True).start()
    with suppress(BrokenPipeError):
        Server(sys.stdout.buffer).serve(requests)


if __name__ == "__main__":
    main()
