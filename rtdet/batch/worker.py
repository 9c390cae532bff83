"""The process that does the work of a batch: it takes tasks on standard input and answers on standard output.

It ends at once when its standard input does: no work goes on for a driver that is gone.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import queue
import signal
import sys
import threading
import time
from typing import BinaryIO

from rtdet.batch.tasks import Outcome, Progress, Task

# What a worker says first, once it is ready.
READY = "ready"
_TELL_EVERY_S = 0.5


def main(cores: int) -> None:
    """Works until standard input ends. cores: as many threads for each of decoding and inference."""
    answers = _private_stdout()
    for number in (signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)):
        signal.signal(number, signal.SIG_IGN)  # the driver, who gets them too, says when it is over
    _be_the_first_to_go()
    logging.getLogger("rtdet").addHandler(logging.NullHandler())
    tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
    threading.Thread(target=_take_tasks, args=(tasks,), daemon=True).start()
    _limit(cores)
    from rtdet.batch.working import Work

    work, lock = Work(), threading.Lock()
    _say(answers, READY, lock)
    while True:
        task = tasks.get()
        _say(answers, work.do(task, _Teller(answers, lock).tell), lock)


class _Teller:
    def __init__(self, answers: BinaryIO, lock: threading.Lock) -> None:
        self._answers, self._lock = answers, lock
        self._told_at = 0.0

    def tell(self, progress: Progress) -> None:
        if progress.is_loading or time.monotonic() - self._told_at >= _TELL_EVERY_S:
            self._told_at = time.monotonic()
            _say(self._answers, progress, self._lock)


def _say(answers: BinaryIO, message: Outcome | Progress | str, lock: threading.Lock) -> None:
    try:
        with lock:
            pickle.dump(message, answers)
            answers.flush()
    except OSError:
        os._exit(0)


def _take_tasks(tasks: queue.SimpleQueue[Task]) -> None:
    try:
        while True:
            tasks.put(pickle.load(sys.stdin.buffer))
    except BaseException:
        os._exit(0)


def _private_stdout() -> BinaryIO:
    """Standard output for answers alone: what libraries print there goes to standard error."""
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return own


def _be_the_first_to_go() -> None:
    """Where memory runs out, Linux is to end this process and not the driver, which starts another."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("600")


def _limit(cores: int) -> None:
    from rtdet.backends.machine import limit_cores

    limit_cores(cores)
    import cv2

    cv2.setNumThreads(cores)


if __name__ == "__main__":
    main(int(sys.argv[1]))
