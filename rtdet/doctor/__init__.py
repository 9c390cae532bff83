"""What this machine can do for rtdet, what is missing or in the way, and the remedy for each.

`examine` is the only entry. Each part is a module with a `look`, which yields Findings; to add one, write
`doctor/foo.py` and give it a line in PARTS (`doctor/examining.py`). Nothing of it uses the network.
"""

from __future__ import annotations

from rtdet.doctor.examining import PARTS, examine
from rtdet.doctor.report import Finding, Part, Report

__all__ = ["PARTS", "Finding", "Part", "Report", "examine"]
