"""Cameras and servers on loopback that fail, freeze and come back when they are told to."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np


class _Server:
    """Answers whoever connects, each in a thread of its own, until it is closed."""

    def __init__(self) -> None:
        self._over, self._is_there = threading.Event(), threading.Event()
        self._is_there.set()
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def vanish(self) -> None:
        """Cuts every connection, and accepts none."""
        self._is_there.clear()

    def come_back(self) -> None:
        self._is_there.set()

    def close(self) -> None:
        self._over.set()
        self.come_back()
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        self._listener.settimeout(0.05)
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            if not self._is_there.is_set():
                connection.close()
                continue
            self.connections += 1
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        with connection, contextlib.suppress(OSError):
            self._send(connection, connection.recv(4096).decode())

    def _send(self, connection: socket.socket, request: str) -> None:
        raise NotImplementedError

    @property
    def _goes_on(self) -> bool:
        return self._is_there.is_set() and not self._over.is_set()


class Camera(_Server):
    """A camera that sends JPEGs over HTTP, `fps` a second. `freeze` leaves connections open and silent, `vanish` cuts
    them; `come_back` ends either. hurry: from now on it sends as fast as it can. sent: pictures, to all in all."""

    def __init__(self, fps: float = 40.0, size: tuple[int, int] = (64, 48)) -> None:
        self.url = ""
        self.sent = 0
        self._pause_s, self._size = 1 / fps, size
        self._sends = threading.Event()
        self._sends.set()
        super().__init__()
        self.url = f"http://127.0.0.1:{self.port}/"

    def freeze(self) -> None:
        self._sends.clear()

    def hurry(self) -> None:
        self._pause_s = 0.001

    def come_back(self) -> None:
        self._sends.set()
        super().come_back()

    def _send(self, connection: socket.socket, request: str) -> None:
        kind = "multipart/x-mixed-replace; boundary=frame"
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n".encode())
        width, height = self._size
        for number in itertools.count():
            self._over.wait(self._pause_s)
            self._sends.wait()
            if not self._goes_on:
                return
            picture = np.full((height, width, 3), (40, 90, 90 + number % 80), np.uint8)
            jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            connection.sendall(head.encode() + jpeg + b"\r\n")
            self.sent += 1


class FilmServer(_Server):
    """A file over HTTP, which comes so slowly that it can vanish while it is read."""

    def __init__(self, path: Path, bytes_per_s: int) -> None:
        self._film, self._bytes_per_s = path.read_bytes(), bytes_per_s
        super().__init__()
        self.url = f"http://127.0.0.1:{self.port}/{path.name}"

    def _send(self, connection: socket.socket, request: str) -> None:
        whole = len(self._film)
        lines = request.lower().split("\r\n")
        begins = next((line for line in lines if line.startswith("range: bytes=")), "=0-")
        first = int(begins.partition("=")[2].partition("-")[0])
        status = (
            f"206 Partial Content\r\nContent-Range: bytes {first}-{whole - 1}/{whole}" if first else "200 OK"
        )
        connection.sendall(
            f"HTTP/1.1 {status}\r\nContent-Type: video/mp4\r\nAccept-Ranges: bytes\r\n"
            f"Content-Length: {whole - first}\r\n\r\n".encode()
        )
        step = max(self._bytes_per_s // 50, 1)
        for at in range(first, whole, step):
            if not self._goes_on:
                return
            connection.sendall(self._film[at : at + step])
            self._over.wait(0.02)


def until(condition: Callable[[], object], what: str) -> None:
    """Waits for a condition; fails if it never holds."""
    give_up = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up, f"never happened: {what}"
        time.sleep(0.01)
