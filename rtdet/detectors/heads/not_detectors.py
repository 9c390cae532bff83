"""What a network is that finds no objects: one line for people who opened it as a detector."""

from __future__ import annotations

from rtdet.backends.graphs import Dimensions
from rtdet.detectors.heads.graph import Graph


def describe(graph: Graph) -> str:
    """What its outputs look like, "" where nobody could tell."""
    if len(graph.shapes) == 1:
        shape = graph.shapes[0]
        return _vector(graph, shape) or _map(graph, shape) or _sequence(shape)
    widths = sorted(shape[-1] or 0 for shape in graph.shapes if shape)
    if widths in ([1, 18], [1, 27]) and all(len(shape) == 2 for shape in graph.shapes):
        return "Objectron or its like (nine key points of one 3D box in a cut-out picture, and a score)"
    if all(len(shape) == 2 and shape[0] in (1, None) and (shape[1] or 0) < 5000 for shape in graph.shapes):
        return (
            "a network that gives a few numbers for a whole picture (attributes or key points of one object)"
        )
    return ""


def _vector(graph: Graph, shape: Dimensions) -> str:
    sides = shape[1:]
    while len(sides) > 1 and sides[-1] == 1:  # (N, C, 1, 1)
        sides = sides[:-1]
    if len(sides) == 2 and sides[0] == 1 and len(shape) == 3 and (sides[1] or 0) > 7:
        sides = sides[1:]
    if len(sides) != 1 or sides[0] is None or shape[0] not in (1, None):
        return ""
    count = sides[0]
    if graph.outputs[0].operators == ("Softmax",) or count in (1000, 1001, 21841, 21843):
        return f"a classifier of {count} classes"
    return f"a classifier of {count} classes, or describes a picture by {count} numbers (re-identification)"


def _map(graph: Graph, shape: Dimensions) -> str:
    if len(shape) != 4:
        return ""
    sides = (graph.size[1], graph.size[0])
    channels = shape[1] if shape[2:] == sides else shape[3] if shape[1:3] == sides else None
    if channels == 1:
        return "a network that says something about each pixel (where text is, as DB does; a mask, a depth)"
    if channels is not None:
        return f"a network that says something about each pixel ({channels} numbers: a segmentation)"
    if shape[1] in (17, 18, 19, 38):
        return f"a network that finds key points of people ({shape[1]} heat maps)"
    return ""


def _sequence(shape: Dimensions) -> str:
    if len(shape) == 3 and (shape[2] or 0) > 30 and (shape[1] is None or shape[1] <= 200):
        return f"a network that reads text ({shape[2]} character scores for each place of a line)"
    return ""
