"""A detector in a process that was forked after its parent had used one: an error, not a hang."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

SCRIPT = """
    import os, sys
    import numpy as np
    import rtdet

    detector = rtdet.load_detector("rtdet-n")
    picture = np.zeros((90, 160, 3), np.uint8)
    detector.detect([picture])
    child = os.fork()
    if child == 0:
        for attempt in (lambda: detector.detect([picture]), lambda: rtdet.load_detector("rtdet-n")):
            try:
                attempt()
            except rtdet.RtdetError as error:
                print(error, flush=True)
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    detector.detect([picture])  # the parent goes on
    detector.close()
    print("parent", flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_of_a_fork_is_told_and_its_parent_goes_on():
    code = textwrap.dedent(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    first, second, last = done.stdout.splitlines()
    assert "before this process was forked" in first
    assert first == second
    assert last == "parent"
