"""The name of a source in the batch: what its partition and its folder are called."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata

from rtdet.address import hide_secrets
from rtdet.batch.manifest import Listed
from rtdet.errors import UsageError

# What a shell, a partition's name and every file system take as it is, of ASCII; besides it, letters and digits of
# any script, with their marks.
_ODD = re.compile(r"[^A-Za-z0-9._\u0080-\U0010ffff-]+")
# What DuckDB and others that read partitions take for numbers or dates: they would lose zeros at the front, and no
# longer be what the table of the sources has.
_LIKE_A_NUMBER = re.compile(r"[\d._-]+(?:[eE][\d-]+)?").fullmatch
_LONGEST = 48


def key_of(listed: Listed) -> str:
    """The same for the same path and the same row's settings, another for others: a readable beginning and twelve
    digits of a hash. A row's own name is taken as it is, as far as files can be called so; a number or a date gets
    `source-` before it. Raises UsageError for a path that no file can have."""
    if listed.name:
        name = _plain(listed.name)
        return f"source-{name}" if _LIKE_A_NUMBER(name) else name or "source"
    identity = listed.source
    if listed.settings.run or listed.settings.files:
        identity += "\n" + json.dumps(listed.settings.as_dict(), sort_keys=True, default=list)
    try:
        digest = hashlib.sha256(identity.encode(errors="surrogateescape")).hexdigest()[:12]
    except UnicodeEncodeError:  # a half of a pair, as JSON may hold it
        raise UsageError(f"no file can be called {listed.source!r}") from None
    shown = hide_secrets(listed.source) if "://" in listed.source else listed.source
    stem = shown.replace("\\", "/").rstrip("/").rpartition("/")[2].rpartition(".")
    name = _plain(stem[0] or stem[2])
    return f"{name or 'source'}-{digest}"


def _plain(text: str) -> str:
    if not text.isascii():
        # In one spelling: file systems take two of the same letter for two names, or for one.
        text = "".join(one if _is_of_a_word(one) else " " for one in unicodedata.normalize("NFC", text))
    return _ODD.sub("-", text)[:_LONGEST].strip("-.")


def _is_of_a_word(character: str) -> bool:
    return character.isascii() or character.isalnum() or unicodedata.category(character) in ("Mn", "Mc")
