"""Who crosses lines and stays in zones: the zones file, the counter, events, and tables of counts."""

from __future__ import annotations

from rtdet.counting.counter import Counter
from rtdet.counting.events import Event
from rtdet.counting.whole import count_table
from rtdet.counting.zones import POINTS, Line, Zone, Zones
from rtdet.counting.zones_file import read_zones, write_zones, zones_from_text, zones_to_text

__all__ = [
    "POINTS",
    "Counter",
    "Event",
    "Line",
    "Zone",
    "Zones",
    "count_table",
    "read_zones",
    "write_zones",
    "zones_from_text",
    "zones_to_text",
]
