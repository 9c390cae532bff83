"""The hierarchy of classes behind YOLO9000's softmax (Redmon and Farhadi 2017, arXiv:1612.08242, section 4)."""

from __future__ import annotations

from pathlib import PurePosixPath

from rtdet.detectors.darknet.cfg import Section
from rtdet.detectors.darknet.layers import SoftmaxTree

_MAX_BYTES = 4_000_000


def read_tree(section: Section, classes: int) -> SoftmaxTree:
    """The tree file that a section names: a line for each class with its name and its parent's number, -1 at the top;
    siblings stand together. Looked for beside the .cfg, whatever folder is named: a network opens no other files.
    Raises CfgError for one that is missing or does not fit."""
    name = PurePosixPath(section.text("tree").replace("\\", "/")).name
    path = section.path.parent / name
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError):
        raise section.error(f"tree={name} is needed beside the cfg, and is not there", "tree") from None
    rows = [line.split() for line in content.decode("utf-8", errors="replace").splitlines() if line.strip()]
    if len(rows) != classes or len(content) > _MAX_BYTES:
        raise section.error(f"{path} has {len(rows)} classes, not {classes}", "tree")
    parents: list[int] = []
    groups: list[tuple[int, int]] = []
    children = [-1] * classes
    for number, row in enumerate(rows):
        parent = int(row[1]) if len(row) > 1 and row[1].lstrip("-").isdecimal() and len(row[1]) < 8 else -2
        if not -1 <= parent < number:
            raise section.error(
                f"{path}, line {number + 1}: a name and the number of an earlier line, or -1", "tree"
            )
        if not parents or parent != parents[-1]:
            if parent >= 0:
                children[parent] = len(groups)
            groups.append((number, number))
        groups[-1] = (groups[-1][0], number + 1)
        parents.append(parent)
    names = tuple(row[0] for row in rows)
    return SoftmaxTree(parents=tuple(parents), groups=tuple(groups), children=tuple(children), names=names)
