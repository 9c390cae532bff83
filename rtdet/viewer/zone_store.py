"""Where the viewer remembers the lines and zones of each source: a zones file for each, in the user's settings."""

from __future__ import annotations

import hashlib
import logging
import re
from contextlib import suppress
from pathlib import Path

from rtdet.address import hide_secrets
from rtdet.counting import Zones, read_zones, write_zones
from rtdet.errors import RtdetError
from rtdet.viewer.names import absolute, short_name

log = logging.getLogger("rtdet.viewer")

# Beyond so many the oldest are forgotten.
MOST_FILES = 500


class ZoneStore:
    """folder: None where nothing is remembered. Called from worker threads, one at a time."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def path_for(self, source: str) -> Path | None:
        """A name that tells people what it is of, and that no two sources share. Nothing secret is in it."""
        if self._folder is None or not source:
            return None
        shown = absolute(hide_secrets(source))
        digest = hashlib.sha256(shown.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        stem = re.sub(r"[^\w\-]+", "_", Path(short_name(source).split("?")[0]).stem)[:40].strip("_")
        return self._folder / f"{stem or 'source'}-{digest}.json"

    def load(self, source: str) -> Zones | None:
        """What was remembered; None: nothing that can be read."""
        path = self.path_for(source)
        if path is None or not path.is_file():
            return None
        try:
            return read_zones(path)
        except RtdetError as error:
            log.warning("the lines and zones of %s are not there any more: %s", short_name(source), error)
            return None

    def save(self, source: str, zones: Zones) -> None:
        """Remembers them; no lines, zones and scale: forgets them. Raises OutputError."""
        path = self.path_for(source)
        if path is None:
            return
        if not len(zones) and zones.ground is None:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            return
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_zones(path, zones)
        self._forget_oldest(path.parent)

    def _forget_oldest(self, folder: Path) -> None:
        with suppress(OSError):
            paths = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
            for path in paths[:-MOST_FILES]:
                path.unlink(missing_ok=True)
