"""Pages of every kind of network."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from rtdet.demo import DemoScene


class Read(HTMLParser):
    """What of a page counts here: its tags with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, content):
        self.text += content


@pytest.fixture(scope="session")
def street():
    """A frame of the demo, small."""
    return DemoScene(seed=0, width=640, height=360).render(100)


@pytest.fixture
def read():
    return Read
