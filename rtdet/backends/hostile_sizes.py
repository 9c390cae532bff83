"""How much memory a graph takes that has been read and not yet compiled: what no look at its file tells."""

from __future__ import annotations

import math
from typing import Any

# A quarter of a gigabyte in single precision, of constants that are made when the graph is compiled.
_MOST_MADE_VALUES = 2**26


def doubt_of_sizes(graph: Any) -> str:
    """Why an openvino.Model, its input of a fixed size, needs a trial: it makes large constants out of small ones, or
    has layers whose size comes from what is in the picture. Nothing where it needs none."""
    made: set[str] = set()  # the names of what is computed from constants alone
    values = 0
    for node in graph.get_ordered_ops():
        name = node.get_friendly_name()
        if node.get_type_name() == "Constant":
            made.add(name)
            continue
        sources = [node.input_value(i).get_node().get_friendly_name() for i in range(node.get_input_size())]
        shapes = [port.partial_shape for port in node.outputs()]
        if sources and all(source in made for source in sources):
            made.add(name)
            values += sum(math.prod(shape.get_shape()) for shape in shapes if shape.is_static)
        if not all(shape.is_static for shape in shapes):
            return "it has layers whose size depends on the picture"
    return f"it makes constants of {values} values" if values > _MOST_MADE_VALUES else ""
