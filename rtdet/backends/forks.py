"""A fork takes no threads along: what OpenVINO, OpenMP and ONNX Runtime wait for in the child never comes. So a child
of a process that had opened a network is told, instead of hanging."""

from __future__ import annotations

import os

from rtdet.errors import ModelError

_opened = False
_is_child_of_user = False


def note_opened() -> None:
    """This process has threads of a back end now."""
    global _opened
    _opened = True


def refuse_after_fork() -> None:
    """Raises ModelError in a process that was forked after its parent had opened a network."""
    if _is_child_of_user:
        raise ModelError(
            "a detector was opened before this process was forked, and its threads are not here; start processes by "
            'multiprocessing.get_context("spawn"), or open detectors in the children alone'
        )


def _forked() -> None:
    global _is_child_of_user
    _is_child_of_user = _is_child_of_user or _opened


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_forked)
