"""`make demo`: opens the viewer on the demo or, without a display, writes an annotated recording and a track file."""

from __future__ import annotations

import sys
from pathlib import Path

from rtdet.cli import main
from rtdet.cli.run import has_display

# A demo that somebody ends with Ctrl-C has not failed: `make` would say "Error 130".
INTERRUPTED = 130


def show() -> None:
    if has_display():
        main(["--source", "demo"])
        return
    out = Path("out")
    out.mkdir(exist_ok=True)
    video, tracks = out / "demo.mp4", out / "demo.txt"
    print("make demo: no display here, so the demo is recorded instead of shown", file=sys.stderr)
    main(["--source", "demo", "--headless", "--save", str(video), "--tracks", str(tracks)])


try:
    show()
except SystemExit as end:
    sys.exit(0 if end.code == INTERRUPTED else end.code)
except KeyboardInterrupt:
    pass
