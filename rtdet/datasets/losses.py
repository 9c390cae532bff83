"""What reading a data set costs: how many boxes and pictures of its labels are lost, and how many are not as written.

Readers and `cleaned` count, here it is said: whatever reads a data set says it in one line, and ends where more than
a tenth would be lost.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rtdet.datasets.faults import Finding
from rtdet.errors import UsageError

logger = logging.getLogger(__name__)

# Losing more than this share of the boxes, or of the pictures, is an error unless it is allowed.
MOST = 0.1
EMPTY = "with no area, inverted or not a number"
OUTSIDE = "outside their pictures"
PIXELS = "outside their pictures: are they in pixels, not fractions?"
FRACTIONS = "boxes within the first pixel of their pictures: are they fractions, not pixels?"
CUT = "boxes cut off at the border of their pictures"
TURNED = "pictures whose width and height the labels swap (the pictures' own sizes are used)"
SCALED = "pictures of another size than their labels say (the boxes are scaled)"
WITH_PICTURES = "of pictures that are left out"
OTHER_SHAPE = "of another shape than their labels say"


@dataclass(frozen=True)
class Losses:
    """boxes, pictures: how many the labels hold. dropped: boxes that are lost, by why. left_out: pictures that are
    lost with their boxes, by why. noted: boxes, or pictures, that are not as written but lost to nobody."""

    boxes: int = 0
    pictures: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Losses) -> Losses:
        return Losses(
            self.boxes + other.boxes,
            self.pictures + other.pictures,
            self.dropped + other.dropped,
            self.left_out + other.left_out,
            self.noted + other.noted,
        )

    @property
    def too_many(self) -> bool:
        """Is more than a tenth of the boxes, or of the pictures, lost?"""
        boxes, pictures = sum(self.dropped.values()), sum(self.left_out.values())
        return boxes > MOST * self.boxes or pictures > MOST * self.pictures

    def sentence(self) -> str:
        """All of it in one line; "" where nothing is lost and all is as written."""
        parts = [_share(self.dropped, self.boxes, "box", "boxes", "dropped")]
        parts.append(_share(self.left_out, self.pictures, "picture", "pictures", "left out"))
        for what, number in self.noted.items():
            if number:
                one = re.sub("^(box|picture|shape)e?s ", r"\1 ", what)
                parts.append(f"{number:,} {what if number > 1 else one}")
        return "; ".join(part for part in parts if part)


def losses_in(findings: Iterable[Finding]) -> Losses:
    """What the findings of a reader say is lost."""
    losses = Losses()
    for finding in findings:
        why = finding.why or finding.kind
        losses.dropped[WITH_PICTURES if finding.pictures else why] += finding.boxes
        losses.left_out[why] += finding.pictures
        losses.noted[why] += finding.noted
    return Losses(sum(losses.dropped.values()), sum(losses.left_out.values())) + losses


def say_losses(losses: Losses, folder: Path | str, *, allow: bool = False) -> None:
    """Warns of what is lost, in one line. Raises UsageError where it is more than a tenth, unless `allow`."""
    sentence = losses.sentence()
    if losses.too_many and not allow:
        raise UsageError(
            f"{folder}: more than a tenth of the labels would be lost: {sentence}. `rtdet data check` lists them; "
            "--allow-loss continues without them"
        )
    if sentence:
        logger.warning("%s: %s", folder, sentence)


def _share(lost: Counter[str], of: int, one: str, many: str, verb: str) -> str:
    """ "2 of 19 boxes are dropped (1 ..., 1 ...)"."""
    total = sum(lost.values())
    if not total:
        return ""
    reasons = [(why, number) for why, number in lost.items() if number]
    why = reasons[0][0] if len(reasons) == 1 else ", ".join(f"{number:,} {why}" for why, number in reasons)
    return f"{total:,} of {of:,} {one if of == 1 else many} {'is' if total == 1 else 'are'} {verb} ({why})"
