"""Many sources, one command: works through them on one machine or on a cluster, loses nothing, does nothing twice."""

from __future__ import annotations
