"""Label files in XML, read without what no labels need: entities, which can be bombs or lead to other files."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

import defusedxml.ElementTree
from defusedxml import DefusedXmlException

from rtdet.datasets.faults import LabelError
from rtdet.datasets.text import starts_with
from rtdet.errors import UsageError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_ELEMENT, _COMMENT = re.compile(r"<([A-Za-z_][\w.:-]*)"), re.compile(r"<!--.*?-->", re.DOTALL)


def parsed(path: Path) -> Element:
    """The root of an XML file. Raises UsageError, one line with the file, for what is no XML or declares entities."""
    try:
        root: Element | None = defusedxml.ElementTree.parse(path).getroot()
    except OSError as error:
        raise UsageError(f"cannot read the labels {path}: {error.strerror}") from error
    except DefusedXmlException as error:
        raise UsageError(f"{path} declares entities, which no labels need; it is not read") from error
    except (ParseError, ValueError, LookupError) as error:
        raise LabelError(f"{path} is not XML", str(error)) from error
    if root is None:
        raise UsageError(f"{path} is not XML: it is empty")
    return root


def first_element(path: Path) -> str:
    """The name of an XML file's first element; "" where it has none, or not near its beginning."""
    return _first_element(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=65536)  # a folder is asked more than once
def _first_element(path: Path, changed_ns: int) -> str:
    text = starts_with(path).decode("utf-8-sig", "replace")
    found = _ELEMENT.search(_COMMENT.sub("", text))
    return found[1] if found else ""
