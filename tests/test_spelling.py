"""Identifiers are American, as NumPy's, Qt's and OpenCV's are; prose is British."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT

BRITISH = re.compile(
    "colour|centre|grey|neighbour|behaviour|favour|armour|labell|cancell|analyse|artefact"
    "|(normal|optim|initial|quant|serial|synchron|visual|organ|recogn|minim|maxim|sanit|summar)is(e|ing|ation)",
    re.IGNORECASE,
)


def names_given(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name that the code gives to something, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.lineno, node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.alias) and node.asname is not None:
            yield 0, node.asname


def british_names(code: str) -> list[str]:
    """`line: name` of each name that is spelt the British way."""
    return [f"{line}: {name}" for line, name in names_given(ast.parse(code)) if BRITISH.search(name)]


def test_identifiers_are_american():
    found = []
    for path in sorted((ROOT / "rtdet").rglob("*.py")):
        where = path.relative_to(ROOT)
        if BRITISH.search(path.stem):
            found.append(str(where))
        found += [f"{where}:{line}" for line in british_names(path.read_text(encoding="utf-8"))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def recolour(): ...", ["1: recolour"]),
        ("def f(*, centre): ...", ["1: centre"]),
        ("class GreyImage: ...", ["1: GreyImage"]),
        ("self.label_colour = 1", ["1: label_colour"]),
        ("for x, neighbour in (): ...", ["1: neighbour"]),
        ('color = 1  # its colour\n"the centre"', []),
        ("color = widget.setColour(1)", []),  # another library's name
        ("raise_ = promise = precise = 1", []),
    ],
)
def test_a_british_name_is_found_where_it_is_given_and_prose_is_left_alone(code, expected):
    assert british_names(code) == expected
