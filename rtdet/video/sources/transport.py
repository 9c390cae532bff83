"""Bytes from the network that can be waited for with a limit and cut off from another thread.

FFmpeg's own http, tcp and udp block where nothing can reach them, and take a pause of the sender for
the end of the stream. These do neither; av.open takes them as files. Their `watch` is called before every read,
and may raise OSError: for a stream whose bytes come but whose pictures do not.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import re
import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import parse_qs, quote, unquote, urlsplit, urlunsplit

from rtdet.web import web_opener

Watch = Callable[[], None]
_POLL_S = 0.2
_DATAGRAM = 65536


class SocketFile:
    """Reads from one socket; silence of more than `stall_s` raises TimeoutError, an abort ends it."""

    watch: Watch = staticmethod(lambda: None)

    def __init__(self, connected: socket.socket, stall_s: float) -> None:
        self._socket = connected
        self._stall_s = stall_s
        self._aborted = threading.Event()
        self._rest = b""
        connected.settimeout(_POLL_S)

    def read(self, size: int) -> bytes:
        try:
            self.watch()
            if not self._rest:
                # A datagram must be taken whole, or its tail is lost.
                self._rest = self._receive()
        except OSError:
            self._aborted.set()  # FFmpeg asks again, and PyAV would print the first error on a second
            raise
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece

    def _receive(self) -> bytes:
        deadline = time.monotonic() + self._stall_s
        while not self._aborted.is_set():
            try:
                return self._socket.recv(_DATAGRAM)
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"nothing came for {self._stall_s:g} s") from None
        return b""

    def seekable(self) -> bool:
        return False

    def abort(self) -> None:
        self._aborted.set()

    def close(self) -> None:
        self.abort()
        self._socket.close()


def open_tcp(url: str, timeout_s: float, stall_s: float) -> SocketFile:
    """tcp://host:port, as a client. Raises OSError."""
    parts = urlsplit(url)
    if parts.hostname is None or parts.port is None:
        raise ValueError("it needs a host and a port, as in tcp://host:5000")
    return SocketFile(socket.create_connection((parts.hostname, parts.port), timeout_s), stall_s)


def open_udp(url: str, stall_s: float) -> SocketFile:
    """udp://[@][group or own address]:port[?localaddr=...], listening. Raises OSError."""
    parts = urlsplit(url)
    if parts.port is None:
        raise ValueError("it needs a port, as in udp://@:5000")
    host = parts.hostname or ""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_DGRAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        if family == socket.AF_INET and _is_group(host):
            local = parse_qs(parts.query).get("localaddr", ["0.0.0.0"])[0]
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("", parts.port))
            member = struct.pack("4s4s", socket.inet_aton(host), socket.inet_aton(local))
            listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        else:
            listener.bind((host, parts.port))
    except BaseException:
        listener.close()
        raise
    return SocketFile(listener, stall_s)


def _is_group(host: str) -> bool:
    """Whether a host is the number of a multicast group."""
    try:
        return ipaddress.ip_address(host).is_multicast
    except ValueError:  # a name, or none
        return False


class HttpFile:
    """What an http or https address gives, as a file; seekable where the server takes byte ranges.

    Redirects, proxies and the address's user and password (basic or digest) are dealt with. A stalled or
    broken transfer of a seekable file is taken up again once before OSError is raised.
    `open` connects, and raises OSError; then `length` is None for a stream without an end.
    """

    watch: Watch = staticmethod(lambda: None)

    def __init__(self, url: str, stall_s: float) -> None:
        # urllib does not take blanks, and says the whole address where it complains.
        self._url, user = _split_user(_quoted(url))
        self._stall_s = stall_s
        self._aborted = False
        self._connections: list[socket.socket] = []
        self._opener = _opener(self._connect, self._url, user)
        self._position = 0
        self._response: Any = None
        self._ranges = False
        self.content_type = ""
        self.length: int | None = None

    def open(self, timeout_s: float) -> HttpFile:
        """Connect, within `timeout_s`."""
        self._response = self._request(timeout_s)
        headers = self._response.headers
        self.content_type = headers.get_content_type()
        length = headers.get("Content-Length")
        self.length = int(length) if length and length.isdecimal() else None
        self._ranges = self.length is not None and headers.get("Accept-Ranges", "").strip() == "bytes"
        return self

    def read(self, size: int) -> bytes:
        try:
            return self._read(size)
        except OSError:
            self._aborted = True  # FFmpeg asks again, and PyAV would print the first error on a second
            raise

    def _read(self, size: int) -> bytes:
        self.watch()
        if self._aborted or (self.length is not None and self._position >= self.length):
            return b""
        for is_last_try in (False, True):
            try:
                if self._response is None:
                    self._response = self._request(self._stall_s)
                piece = cast(bytes, self._response.read1(size))
                if not piece and self.length is not None:
                    raise ConnectionResetError("the transfer was cut off")
                self._position += len(piece)
                return piece
            except (OSError, http.client.HTTPException) as error:
                if self._aborted:
                    return b""
                self._drop()
                if is_last_try or not self._ranges:
                    raise error if isinstance(error, OSError) else ConnectionError(str(error)) from error
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        base = {0: 0, 1: self._position, 2: self.length or 0}[whence]
        if base + offset != self._position:
            self._position = base + offset
            self._drop()
        return self._position

    def tell(self) -> int:
        return self._position

    def seekable(self) -> bool:
        return self._ranges

    def abort(self) -> None:
        self._aborted = True
        for connection in self._connections:
            with contextlib.suppress(OSError):  # it is closed already
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.abort()
        self._drop()

    def _drop(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response = None

    def _request(self, timeout_s: float) -> Any:
        headers = {"User-Agent": "rtdet", "Accept": "*/*"}
        if self._position:
            headers["Range"] = f"bytes={self._position}-"
        try:
            response = self._opener.open(
                urllib.request.Request(self._url, headers=headers), timeout=timeout_s
            )
        except urllib.error.HTTPError as error:
            error.close()  # it holds the connection
            raise
        except http.client.HTTPException as error:  # what answers there doesn't speak HTTP
            raise ConnectionError(f"the server answers nonsense ({_in_words(error)})") from error
        if self._position and response.status != 206:
            response.close()
            raise ConnectionError("the server does not send parts of the file")
        self._connections[-1].settimeout(self._stall_s)
        return response

    def _connect(self, connected: socket.socket) -> None:
        self._connections[:] = [connected]
        if self._aborted:
            raise ConnectionAbortedError("closed")


def _quoted(url: str) -> str:
    """The address with its blanks and letters that HTTP cannot send as their %XX."""
    url = re.sub(r"[\x00-\x20\x7f]", lambda found: quote(found[0]), url)
    head, separator, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return head + separator + host + slash + quote(path, safe="/%:@!$&'()*+,;=~-._?[]")


def _in_words(error: http.client.HTTPException) -> str:
    return "".join(char if char.isprintable() else "?" for char in str(error) or type(error).__name__)[:60]


def _split_user(url: str) -> tuple[str, tuple[str, str] | None]:
    """The address without its user and password, and those."""
    parts = urlsplit(url)
    if parts.username is None:
        return url, None
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return bare, (unquote(parts.username), unquote(parts.password or ""))


def _opener(
    note: Callable[[socket.socket], None], url: str, user: tuple[str, str] | None
) -> urllib.request.OpenerDirector:
    """urllib's opener, whose connections tell `note` their sockets."""

    class Plain(http.client.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            note(self.sock)

    class Encrypted(http.client.HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            note(self.sock)

    class PlainHandler(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Plain, req)

    class EncryptedHandler(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Encrypted, req)

    # urllib leaves the connection of the refusal open when it asks again with a password.
    class BasicHandler(urllib.request.HTTPBasicAuthHandler):
        def http_error_401(self, req: Any, fp: Any, *rest: Any) -> Any:
            fp.close()
            return super().http_error_401(req, fp, *rest)

    class DigestHandler(urllib.request.HTTPDigestAuthHandler):
        def http_error_401(self, req: Any, fp: Any, *rest: Any) -> Any:
            fp.close()
            return super().http_error_401(req, fp, *rest)

    handlers: list[urllib.request.BaseHandler] = [PlainHandler(), EncryptedHandler()]
    if user is not None:
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, url, *user)
        handlers += [BasicHandler(passwords), DigestHandler(passwords)]
    return web_opener(*handlers)


def reason_of(error: BaseException) -> str:
    """The few words of an OSError, urllib or FFmpeg error that a person can use; never the address."""
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answers {error.code} {error.reason}".rstrip()
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, BaseException):
        return reason_of(error.reason)
    if type(error).__name__ == "ExitError":  # FFmpeg's word for a time limit of ours
        return "nothing came in time"
    words = getattr(error, "strerror", None) or (
        str(error) if isinstance(error, (OSError, ValueError)) else ""
    )
    return words.rstrip(".") or type(error).__name__
