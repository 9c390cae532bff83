"""One detector, one picture: which kind of network it is, and the chapters of its page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from rtdet.errors import ModelError
from rtdet.explain.common import (
    classes_section,
    input_section,
    maps_section,
    numbers_section,
    result_blocks,
    suppression_section,
    threshold_section,
)
from rtdet.explain.inside import Inside, Subject, Truth
from rtdet.explain.outcome import outcome_section
from rtdet.explain.page import Page
from rtdet.explain.truth import known
from rtdet.extras import is_installed
from rtdet.protocols import Detector
from rtdet.types import Detections, Image


def explain(
    detector: Detector,
    image: Image,
    *,
    model: str,
    picture: str,
    truth: Truth | None = None,
    about: Mapping[str, str] | None = None,
) -> Page:
    """The page of a detector and a picture (H, W, 3) BGR. model, picture: what they are called. truth: the labelled
    objects, where there are some. about: how the detector is run. Raises ModelError for a detector of a kind that
    cannot be looked into."""
    (detections,) = detector.detect([image])
    subject = Subject(image, detections, detector.class_names, detector.thresholds)
    inside = look_inside(detector, subject)
    overlap = min(detector.thresholds.iou, inside.most_overlap)
    subject = replace(subject, thresholds=replace(subject.thresholds, iou=overlap))
    suppression = inside.suppression(subject.thresholds.iou)
    unknown = list(inside.unknown)
    sections = [
        input_section(inside, subject),
        maps_section(inside),
        *inside.sections,
        classes_section(inside, subject),
    ]
    mine = None if truth is None else known(truth)
    if truth is not None and mine is not None:
        others = len(truth.names) - len(mine.names)
        if others:
            what = "object is of a class" if others == 1 else "objects are of classes"
            unknown.append(f"{others} labelled {what} that the model does not know, and left out here.")
        if len(mine.names) and inside.matching is not None:
            if is_installed("torch"):
                sections.append(inside.matching(mine))
            else:
                unknown.append("How labels and places are matched is shown where torch is installed.")
    sections += [
        suppression_section(inside, subject, suppression),
        numbers_section(inside, subject),
        threshold_section(inside, subject, suppression),
        outcome_section(subject, mine) if mine is not None else None,
    ]
    return Page(
        image=image,
        model=model,
        picture=picture,
        family=inside.family,
        idea=inside.idea,
        summary=_summary(detections),
        beginning=result_blocks(inside, subject, suppression),
        sections=[section for section in sections if section is not None],
        unknown=unknown,
        about=about or {},
    )


def look_inside(detector: Detector, subject: Subject) -> Inside:
    """What the detector's kind of network tells. Raises ModelError for one that is not known."""
    from rtdet.detectors.family.detector import FamilyDetector
    from rtdet.detectors.graph_detector import GraphDetector
    from rtdet.detectors.ssd.detector import SSDDetector

    if isinstance(detector, SSDDetector):
        from rtdet.explain.ssd import inside_ssd

        return inside_ssd(detector, subject)
    if isinstance(detector, FamilyDetector):
        from rtdet.explain.grid import inside_family
        from rtdet.explain.heatmap import inside_centernet
        from rtdet.explain.regions import inside_regions
        from rtdet.explain.windows import inside_windows

        own = {
            "centernet": inside_centernet,
            "rcnn": inside_regions,
            "fastrcnn": inside_regions,
            "slidingwindow": inside_windows,
        }
        return own.get(detector.config.family, inside_family)(detector, subject)
    if isinstance(detector, GraphDetector):
        from rtdet.explain.graph import inside_graph

        return inside_graph(detector, subject)
    if is_installed("torch"):
        from rtdet.detectors.torchvision_zoo import TorchvisionDetector
        from rtdet.explain.proposals import inside_torchvision

        if isinstance(detector, TorchvisionDetector):
            return inside_torchvision(detector, subject)
    raise ModelError(f"rtdet explain cannot look into a {type(detector).__name__}")


def _summary(found: Detections) -> str:
    """`2 persons and 1 car` would need a dictionary: `person ×2, car`."""
    counts = Counter(found.name_of(row) for row in range(len(found)))
    if not counts:
        return "Nothing was found."
    parts = [name if count == 1 else f"{name} ×{count}" for name, count in counts.most_common(8)]
    more = len(counts) - len(parts)
    return "Found: " + ", ".join(parts) + (f" and {more} more classes." if more else ".")
