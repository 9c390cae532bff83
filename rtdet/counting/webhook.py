"""Posts events to an address, in a thread of its own, so that a slow or dead server holds nothing up."""

from __future__ import annotations

import base64
import logging
import queue
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from rtdet.address import hide_secrets, redact
from rtdet.errors import UsageError
from rtdet.web import WebRedirects, web_opener

log = logging.getLogger("rtdet.counting")

# Events that wait, the seconds before each further try, for an answer, and for what is left at the end.
CAPACITY = 1000
PAUSES_S = (0.5, 1.0, 2.0, 4.0)
TIMEOUT_S = 5.0
LAST_S = 5.0
# Answers after which another try may help: too many requests, and the server's own faults.
_BUSY = frozenset({408, 425, 429, *range(500, 600)})
_END = None
# What an address may have in its path and query as it is (RFC 3986), % of what is spelt out already too.
_SAFE = "/?:@!$&'()*+,;=~%-._"


class _NoRedirects(WebRedirects):
    """A redirect would turn the POST into a GET without the event, or lead it elsewhere: it is an error."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        return None


class Webhook:
    """POSTs texts of JSON to an http or https address, in order.

    `post` never waits: beyond CAPACITY waiting events the new one is dropped. A try that fails is repeated after
    growing pauses; then, and at an answer like 404, the event is dropped. Drops are counted, and said as a warning:
    the first at once, all at the end. User and password of the address go into the header. Messages name the server
    alone: of many services the path is the secret. Raises UsageError for an address that is none.
    """

    def __init__(self, url: str, *, pauses_s: tuple[float, ...] = PAUSES_S, capacity: int = CAPACITY) -> None:
        self._url, self._headers = _taken_apart(url)
        self._shown = urlunsplit((*urlsplit(self._url)[:2], "", "", ""))
        self._pauses_s = pauses_s
        self._waiting: queue.Queue[str | None] = queue.Queue(capacity)
        self._opener = web_opener(_NoRedirects())
        self._over = threading.Event()
        self._is_sending = self._has_told = False
        self.sent = self.dropped = 0
        self._thread = threading.Thread(target=self._work, name="webhook", daemon=True)
        self._thread.start()

    def post(self, line: str) -> None:
        try:
            self._waiting.put_nowait(line)
        except queue.Full:
            self._drop("the server is too slow")

    def close(self, timeout_s: float = LAST_S) -> None:
        """Sends what still waits, for so long; what is left then is dropped."""
        until = time.monotonic() + timeout_s
        if self._thread.is_alive():
            with suppress(queue.Full):
                self._waiting.put(_END, timeout=timeout_s)
            self._thread.join(max(0.0, until - time.monotonic()))
            self._over.set()
            self._thread.join(0.5)
        # What is under way still may arrive; nobody will be told.
        left = int(self._is_sending)
        with suppress(queue.Empty):
            while True:
                left += self._waiting.get_nowait() is not _END
        self.dropped += left
        if self.dropped:
            log.warning("%d events did not reach %s; %d did", self.dropped, self._shown, self.sent)
            self.dropped = 0
        self._has_told = True

    def _work(self) -> None:
        while not self._over.is_set():
            line = self._waiting.get()
            if line is _END:
                return
            self._is_sending = True
            self._send(line)
            self._is_sending = False

    def _send(self, line: str) -> None:
        why: str | None = ""
        for pause_s in (*self._pauses_s, None):
            why, may_help = self._try(line)
            if why is None:
                self.sent += 1
                return
            if pause_s is None or not may_help or self._over.wait(pause_s):
                break
        self._drop(why or "")

    def _try(self, line: str) -> tuple[str | None, bool]:
        """(why it did not work, None where it did; whether another try may)."""
        request = urllib.request.Request(self._url, line.encode(), self._headers, method="POST")
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                answer.read(1)
        except urllib.error.HTTPError as error:
            error.close()
            moved = ", a redirect, which is not followed" if 300 <= error.code < 400 else ""
            return f"the server answers {error.code}{moved}", error.code in _BUSY
        except (OSError, ValueError) as error:  # URLError and timeouts are OSErrors; BadStatusLine is none
            return redact(str(getattr(error, "reason", error))), True
        except Exception as error:  # http.client has a tree of its own
            return redact(f"{type(error).__name__}: {error}"), True
        return None, False

    def _drop(self, why: str) -> None:
        self.dropped += 1
        if self.dropped == 1 and not self._has_told:
            log.warning("an event did not reach %s: %s", self._shown, why)


def _taken_apart(url: str) -> tuple[str, dict[str, str]]:
    """The address without its user and as a request has it, and the headers of one."""
    headers = {"Content-Type": "application/json", "User-Agent": "rtdet"}
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(f"--events-url is an http or https address, not {hide_secrets(url)}")
    user, at, place = parts.netloc.rpartition("@")
    if at:
        login = unquote(user).encode()
        headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"
    path, query = (quote(part, safe=_SAFE) for part in (parts.path or "/", parts.query))
    return urlunsplit((parts.scheme, place, path, query, "")), headers
