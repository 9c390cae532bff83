"""A batch on a Ray cluster with light workers (light_worker.py): `python light_ray.py ADDRESS WISH SOURCE...`.

WISH: JSON with `out`, and what of EngineWish is not as by default. Interrupts are those of the command line.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

from rtdet.batch.engines import ray
from rtdet.batch.engines.opening import EngineWish
from rtdet.batch.run import Wish, work_through
from rtdet.batch.settings import Settings
from rtdet.batch.tasks import Cut
from rtdet.cli.console import show_messages
from rtdet.errors import RtdetError
from tests.batch.light_batch import light_command


def main(address: str, wish: str, sources: list[str]) -> int:
    known = json.loads(wish)
    ray._SILENT_S = 2.0  # as if it had less patience with a cluster that is gone
    out = Path(known.pop("out"))
    ray.RayEngine = partial(ray.RayEngine, command=light_command)
    show_messages()
    summary = work_through(
        Wish(
            out,
            sources,
            Settings({"tracker": "rtdet"}),
            Cut(count=3),
            engine=EngineWish("ray", address, **known),
        ),
        on_begin=lambda engine, counts: print(engine.about, flush=True),
    )
    return 3 if summary.counts.failed else 0


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
    except RtdetError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from None
