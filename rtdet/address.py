"""What of a source's address may be shown, and what may not: the one place that takes addresses apart for it.

User, password, tokens and signatures are for the server alone. `Address` says what may stand in a message, a menu or
a file name; whatever was once parsed as an address is remembered here, for this process, so that `redact` finds its
secrets in texts that others make: FFmpeg's, urllib's, a traceback's.
"""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from dataclasses import dataclass, replace
from urllib.parse import quote, quote_plus, unquote, unquote_plus

HIDDEN = "***"

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/{1,3}|[A-Za-z][A-Za-z0-9+.-]+//")
# Without a scheme it takes a user, a password and what looks like a host.
_BARE = re.compile(r"[^\s/\\:@]{2,}:[^\\]+@[\w.-]+(?:[:/].*)?$")
# Settings of a stream that are no secrets. What is not named here is hidden, unless it is a small number.
_HARMLESS = frozenset(
    """action camera channel chn codec cmd encoder fifo_size format fps framerate h height lang latency listen
    localaddr mode nonfatal overrun_nonfatal pkt_size profile protocol quality rate resolution reuse rtsp_transport
    size stream streamtype subtype timeout track transport transportmode ttl type unicast video videocodec w
    width""".split()  # noqa: SIM905 - words, not a list to be read one by one
)
_NUMBER = re.compile(r"\d{1,3}")
_SUSPICIOUS = re.compile(
    r"(?i)pass|pwd|psw|pw$|pin|user|usr|login|auth|token|key|secret|sig|cred|code|sess|acc|jwt|hash"
)
# Cameras that want them in the path: rtsp://host/user=admin&password=x&channel=1.sdp, also joined by _.
_IN_PATH = re.compile(
    r"(?i)((?:pass|passwd|password|pwd|user|username|usr|login|token|auth|key)=)([^&;/?#]*)"
)
# Enough of an address to be found inside another text.
_WITHIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/{1,3}[^\s'\"<>]*[^\s'\"<>:;,.)\]}]")
_ENOUGH = 4  # letters: what is shorter is not looked for inside of words
_SURELY = 8
# Users that stand in every second text, and say nothing.
_COMMON = frozenset(
    """admin administrator camera default guest operator root rtdet service stream user video view
    viewer""".split()  # noqa: SIM905
)

_known: dict[str, re.Pattern[str]] = {}
_guard = threading.Lock()


@dataclass(frozen=True)
class Address:
    """An address taken apart.

    shown:    it without its secrets, `***` in their place: fit for every message and file.
    userinfo: user and password as they are spelt, or "".
    hidden:   (name, value) of the query's secrets, in their order; a name is "" where there is none.
    """

    shown: str
    userinfo: str = ""
    hidden: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Address:
        """Never raises: a text that is no address is shown as it is."""
        before = text[: len(text) - len(text.lstrip())]
        if before:  # as a source it is opened without these blanks
            address = cls.parse(text[len(before) :])
            return replace(address, shown=before + address.shown)
        scheme = _SCHEME.match(text)
        if scheme is None and _BARE.match(text) is None:
            return cls(text)
        if text[:5].lower() == "file:":
            return cls(text)
        start = scheme.end() if scheme else 0
        head, rest = text[:start], text[start:]
        userinfo, rest = _split_userinfo(head, rest)
        shown, hidden = _hide_pairs(rest, has_key=head[:4].lower() == "rtmp")
        user = "" if not userinfo else f"{HIDDEN}@" if userinfo.strip("@") else "@"
        address = cls(head + user + shown, userinfo if userinfo.strip("@") else "", hidden)
        address._remember()
        return address

    @property
    def is_incomplete(self) -> bool:
        """The secrets were taken out: `***` stands in their place."""
        return self.userinfo == HIDDEN or any(value == HIDDEN for _, value in self.hidden)

    def filled(self, values: list[str], user: str = "", password: str = "") -> str:
        """The address with secrets in the places of `***`; `values` are for `hidden`, in order."""
        text = self.shown
        if self.userinfo:
            login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
            text = text.replace(f"{HIDDEN}@", f"{login}@", 1) if login else text.replace(f"{HIDDEN}@", "", 1)
            start = text.find("://") + 3 + len(login)
        else:
            start = 0
        for value in values:
            start = text.find(HIDDEN, start)
            text = text[:start] + quote(value, safe="") + text[start + len(HIDDEN) :]
            start += len(quote(value, safe=""))
        return text

    def _remember(self) -> None:
        user, _, password = self.userinfo.partition(":")
        secrets = [self.userinfo, password, unquote(password), unquote(self.userinfo)]
        if unquote(user).lower() not in _COMMON:
            secrets += [user, unquote(user)]
        for name, value in self.hidden:
            # `?view=wall` is hidden to be sure; "wall" in other texts is none of its business.
            if _SUSPICIOUS.search(name) or len(value) >= _SURELY:
                secrets += [value, unquote(value), unquote_plus(value)]
        # Whoever reads such an address strictly cuts it at these, and says what he found between two.
        for secret in tuple(secrets):
            secrets += re.split(r"[\s/?#&@:=]+", secret)
        if self.userinfo:
            login = unquote(self.userinfo).encode("utf-8", "surrogateescape")
            secrets.append(base64.b64encode(login).decode())
        with _guard:
            for secret in secrets:
                is_word = re.search(r"\w", secret) is not None and secret != HIDDEN
                if is_word and secret.lower() not in _COMMON and secret not in _known:
                    _known[secret] = _pattern(secret)


def hide_secrets(address: str) -> str:
    """The address without its user, password and tokens: fit for a message or a log."""
    return Address.parse(address).shown


def redact(text: str) -> str:
    """Any text without the secrets of the addresses in it, and without those of every address that this process has
    parsed, however they are encoded."""
    if _known:
        with _guard:
            patterns = sorted(_known.items(), key=lambda item: -len(item[0]))
        for _, pattern in patterns:
            text = pattern.sub(HIDDEN, text)
    if ":/" in text:
        text = _WITHIN.sub(lambda found: hide_secrets(found[0]), text)
    return text


def note_arguments(arguments: list[str]) -> None:
    """Remembers the secrets of a command line, also of an address that the shell has cut at its blanks."""
    for number, argument in enumerate(arguments):
        value = argument.partition("=")[2] if argument.startswith("--") and "=" in argument else argument
        Address.parse(value)
        if "://" in value and "@" not in value:
            for end in range(number + 1, len(arguments)):
                if arguments[end].startswith("-"):
                    break
                value += " " + arguments[end]
                if "@" in arguments[end]:
                    Address.parse(value)
                    break


def _split_userinfo(scheme: str, rest: str) -> tuple[str, str]:
    """(user and password with their @, what follows it). A password may hold / and @ and ? that nobody has
    encoded: where there is one at all, everything to the last @ is taken for it."""
    before, at, after = rest.rpartition("@")
    if not at:
        return "", rest
    strict = "@" in re.split(r"[/?#]", rest, maxsplit=1)[0]
    of_a_path = scheme.lower() in ("http://", "https://", "") and ":" not in before
    if not strict and of_a_path:
        return "", rest
    return before or "@", after


def _hide_pairs(rest: str, *, has_key: bool = False) -> tuple[str, tuple[tuple[str, str], ...]]:
    """What follows the user, with `***` for the secrets of its path, query and fragment; and those. has_key: the path
    ends in a stream key, as RTMP's do (host/app/key), with which anybody could send pictures in its owner's name."""
    hidden: list[tuple[str, str]] = []

    def hide(name: str, value: str) -> str:
        hidden.append((name, value))
        return HIDDEN

    cut = re.search(r"[?#]", rest)
    path, query = (rest, "") if cut is None else (rest[: cut.start()], rest[cut.start() :])
    path = _IN_PATH.sub(lambda found: found[1] + (found[2] and hide(found[1][:-1], found[2])), path)
    app, _, key = path.rstrip("/").rpartition("/")
    if has_key and "/" in app and key != HIDDEN:
        path = f"{app}/{hide('', key)}"
    pieces = []
    for piece in re.split(r"([?&;#])", query):
        name, equals, value = piece.partition("=")
        if piece in ("", "?", "&", ";", "#"):
            pieces.append(piece)
        elif not equals:
            harmless = piece.lower() in _HARMLESS or _NUMBER.fullmatch(piece)
            pieces.append(piece if harmless else hide("", piece))
        else:
            pieces.append(f"{name}={value if not value or _is_harmless(name, value) else hide(name, value)}")
    return path + "".join(pieces), tuple(hidden)


def _is_harmless(name: str, value: str) -> bool:
    name = unquote(name).lower()
    if name in _HARMLESS:
        return True
    return _SUSPICIOUS.search(name) is None and _NUMBER.fullmatch(value) is not None


def _pattern(secret: str) -> re.Pattern[str]:
    """Finds a secret in the encodings in which texts hold it."""
    spellings = {
        secret, quote(secret), quote(secret, safe=""), quote_plus(secret), html.escape(secret), repr(secret)[1:-1],
        json.dumps(secret)[1:-1], base64.b64encode(secret.encode("utf-8", "surrogateescape")).decode().rstrip("="),
    }  # fmt: skip
    words = "|".join(re.escape(word) for word in sorted(spellings, key=len, reverse=True))
    if len(secret) >= _ENOUGH:
        return re.compile(words, re.IGNORECASE)
    # As errors quote it: 'x', "x", (x).
    return re.compile(
        rf"(?<=')(?:{words})(?=')|(?<=\")(?:{words})(?=\")|(?<=\()(?:{words})(?=\))", re.IGNORECASE
    )
