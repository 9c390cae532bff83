"""The page: one HTML text with its style, pictures and drawings inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtdet.explain.blocks import Block, Section
from rtdet.explain.pictures import jpeg_uri, shrunk
from rtdet.types import Image

if TYPE_CHECKING:
    import jinja2

_LONGEST = 1100


@dataclass(frozen=True, eq=False)
class Page:
    """What an explanation says. image: the picture (H, W, 3) BGR. model, picture: their names, for people. idea: of
    the kind of network. beginning: the blocks under the title. about: how it was run, for the foot."""

    image: Image
    model: str
    picture: str
    family: str
    idea: str
    summary: str
    beginning: Sequence[Block]
    sections: Sequence[Section]
    unknown: Sequence[str]
    about: Mapping[str, str]


def render(page: Page) -> str:
    """The page as one HTML text: nothing is loaded, no script runs, and every text is escaped: a class or a file may
    be called anything."""
    return _environment().get_template("page.html.j2").render(
        page=page,
        width=page.image.shape[1],
        height=page.image.shape[0],
        picture=jpeg_uri(shrunk(page.image, _LONGEST)),
    )  # fmt: skip


def _environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("rtdet.explain", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["kind"] = lambda block: type(block).__name__
    return environment
