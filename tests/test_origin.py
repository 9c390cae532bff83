"""What threads work for."""

from __future__ import annotations

import threading

from rtdet.origin import Thread, origin, working_for


def test_threads_work_for_whom_their_maker_worked_for_and_so_do_theirs() -> None:
    seen: list[object] = []

    def inner() -> None:
        seen.append(origin())

    def outer() -> None:
        seen.append(origin())
        thread = Thread(target=inner)
        thread.start()
        thread.join()

    with working_for("door"):
        first = Thread(target=outer)
        plain = threading.Thread(target=inner)
    assert origin() is None
    for thread in (first, plain):
        thread.start()
        thread.join()
    assert seen == ["door", "door", None]
