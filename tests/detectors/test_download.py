"""Against a real HTTP server on loopback."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rtdet.cache import is_whole
from rtdet.detectors.cards import ModelCard
from rtdet.detectors.download import cached_path, fetch, fetch_model
from rtdet.errors import DownloadError

CONTENT = os.urandom(3_000_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves CONTENT at /model.pth, as faulty as it is told to be."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.with_range = True
        self.cut_after: list[int] = []  # bytes after which each next answer breaks off
        self.content = CONTENT
        self.ranges: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/model.pth"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        wanted = self.headers.get("Range")
        server.ranges.append(wanted)
        if self.path != "/model.pth":
            self.send_error(404)
            return
        content, start = server.content, 0
        if wanted and server.with_range:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        body = content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if server.cut_after:
            body = body[: server.cut_after.pop(0)]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def card(url: str, **more: str) -> ModelCard:
    return ModelCard(
        name="some-model", kind="yolox", classes=("a",), url=url, **{"sha256": DIGEST[:8], **more}
    )


def one_line(error: pytest.ExceptionInfo[DownloadError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_model_is_fetched_once_with_its_progress_told(server: Server, own_cache: Path) -> None:
    seen: list[tuple[int, int]] = []
    target = own_cache / "deep" / "model.pth"
    fetch(server.url, target, sha256=DIGEST, progress=lambda done, total: seen.append((done, total)))
    assert target.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert len(seen) > 3

    path = fetch_model(card(server.url))
    asked = len(server.ranges)
    assert fetch_model(card(server.url)) == fetch_model(card(server.url), offline=True) == path
    assert len(server.ranges) == asked
    assert list(path.parent.iterdir()) == [path]


def test_a_download_that_was_cut_off_goes_on_where_it_ended(server: Server, own_cache: Path) -> None:
    server.cut_after = [1_000_000, 0, 0, 0]
    target = own_cache / "model.pth"
    with pytest.raises(DownloadError, match=r"broke off after 1\.0 MB; run the command again") as error:
        fetch(server.url, target, sha256=DIGEST)
    one_line(error)
    assert not target.exists()
    assert (own_cache / "model.pth.part").stat().st_size == 1_000_000

    server.cut_after, server.ranges = [], []
    fetch(server.url, target, sha256=DIGEST)
    assert target.read_bytes() == CONTENT
    assert server.ranges == ["bytes=1000000-"]
    assert not (own_cache / "model.pth.part").exists()


def test_a_connection_that_breaks_is_taken_up_again_by_itself(server: Server, own_cache: Path) -> None:
    server.cut_after = [500_000, 700_000]
    fetch(server.url, own_cache / "model.pth", sha256=DIGEST)
    assert (own_cache / "model.pth").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=500000-", "bytes=1200000-"]


def test_a_server_without_ranges_sends_it_all_again(server: Server, own_cache: Path) -> None:
    server.with_range = False
    (own_cache / "model.pth.part").write_bytes(CONTENT[:1000])
    fetch(server.url, own_cache / "model.pth", sha256=DIGEST)
    assert (own_cache / "model.pth").read_bytes() == CONTENT


def test_a_download_that_was_complete_but_not_yet_checked_is_used(server: Server, own_cache: Path) -> None:
    (own_cache / "model.pth.part").write_bytes(CONTENT)
    fetch(server.url, own_cache / "model.pth", sha256=DIGEST)
    assert (own_cache / "model.pth").read_bytes() == CONTENT


def test_a_leftover_longer_than_the_file_is_thrown_away(server: Server, own_cache: Path) -> None:
    (own_cache / "model.pth.part").write_bytes(CONTENT + b"more")
    fetch(server.url, own_cache / "model.pth", sha256=DIGEST)
    assert (own_cache / "model.pth").read_bytes() == CONTENT


def test_content_that_is_not_the_published_one_is_refused_and_not_kept(
    server: Server, own_cache: Path
) -> None:
    server.content = CONTENT[:-1] + b"!"
    with pytest.raises(DownloadError, match="damaged or not the published file") as error:
        fetch_model(card(server.url))
    assert DIGEST[:8] in one_line(error)
    assert not list(cached_path(card(server.url)).parent.iterdir())

    server.content = CONTENT
    assert fetch_model(card(server.url)).read_bytes() == CONTENT


def test_a_wrong_leftover_is_not_gone_on_from_twice(server: Server, own_cache: Path) -> None:
    (own_cache / "model.pth.part").write_bytes(b"?" * 1000)
    with pytest.raises(DownloadError, match="nothing was kept"):
        fetch(server.url, own_cache / "model.pth", sha256=DIGEST)
    fetch(server.url, own_cache / "model.pth", sha256=DIGEST)
    assert (own_cache / "model.pth").read_bytes() == CONTENT


def test_a_file_that_is_not_there_any_more_is_one_line(server: Server, own_cache: Path) -> None:
    with pytest.raises(DownloadError, match="404") as error:
        fetch_model(card(server.url.replace("model", "gone")))
    assert "some-model" in one_line(error)


def test_without_a_network_the_error_comes_at_once(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(DownloadError, match="cannot fetch some-model from 127") as error:
        fetch_model(card("http://127.0.0.1:9/model.pth"))
    one_line(error)


def test_offline_asks_nobody(server: Server) -> None:
    with pytest.raises(DownloadError, match="--offline forbids") as error:
        fetch_model(card(server.url), offline=True)
    assert "rtdet models pull some-model" in one_line(error)
    assert server.ranges == []


def test_a_cache_that_cannot_be_written_is_one_line(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file")
    monkeypatch.setenv("RTDET_CACHE", str(blocked))
    with pytest.raises(DownloadError, match="RTDET_CACHE") as error:
        fetch_model(card(server.url))
    one_line(error)


def test_two_at_once_do_not_mix_their_bytes(server: Server, own_cache: Path) -> None:
    fcntl = pytest.importorskip("fcntl", reason="files are locked on Unix only")
    with (own_cache / "model.pth.part").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(DownloadError, match="being fetched by another"):
            fetch(server.url, own_cache / "model.pth", sha256=DIGEST)
    assert (own_cache / "model.pth.part").exists(), "the file of the one who fetches is not taken away"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("a full disk is made by mounting one, which needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_one_line(server: Server, small_disk: Path) -> None:
    with pytest.raises(DownloadError, match=r"no space left for model\.pth") as error:
        fetch(server.url, small_disk / "model.pth", sha256=DIGEST)
    one_line(error)
    assert not (small_disk / "model.pth").exists()


def test_a_disk_that_fills_up_meanwhile_is_one_line(
    server: Server, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtdet.detectors.download._require_space", lambda file, needed: None)
    with pytest.raises(DownloadError, match="no space left") as error:
        fetch(server.url, small_disk / "model.pth", sha256=DIGEST)
    one_line(error)


def test_a_kept_model_that_was_damaged_is_fetched_again(own_cache, server):
    one = card(server.url)
    path = fetch_model(one)
    for damaged in (b"", CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])):
        path.write_bytes(damaged)
        with pytest.raises(DownloadError, match="is damaged, and --offline forbids"):
            fetch_model(one, offline=True)
        assert fetch_model(one).read_bytes() == CONTENT


def test_a_kept_model_of_an_older_rtdet_is_held_to_its_digest_once(own_cache, server):
    one = card(server.url)
    path = cached_path(one)
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert fetch_model(one, offline=True) == path
    assert is_whole(path)


def test_a_download_without_end_is_stopped_at_the_size_of_the_card(own_cache):
    import socket
    import threading

    listener = socket.create_server(("127.0.0.1", 0))
    sent = []

    def pour(head: bytes) -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(4096)
            connection.sendall(head)
            while True:
                sent.append(connection.send(bytes(1 << 16)))

    url = f"http://127.0.0.1:{listener.getsockname()[1]}/some-model.onnx"
    for head in (
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: nonsense\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
    ):
        thread = threading.Thread(target=pour, args=(head,))
        thread.start()
        with pytest.raises(DownloadError, match=r"sends more than the \d+ MB"):
            fetch_model(card(url, size=len(CONTENT)))
        thread.join()
    listener.close()
    assert sum(sent) < 100_000_000
    assert not [path for path in own_cache.rglob("*") if path.is_file()]


def test_two_models_whose_addresses_end_alike_are_kept_apart(own_cache):
    from dataclasses import replace

    one = card("https://example.org/one/model.safetensors")
    other = replace(one, url="https://example.org/other/model.safetensors", sha256="ab" * 32)
    assert cached_path(one) != cached_path(other)
    named = replace(one, url=f"https://example.org/ssd-{one.sha256[:8]}.pth")
    assert cached_path(named).name == f"ssd-{one.sha256[:8]}.pth"


def test_a_connection_whose_encryption_breaks_is_taken_up_again(own_cache, server, monkeypatch):
    import ssl

    from rtdet.detectors import download

    broken = []

    def copy(response, file, *more):
        if broken:
            return whole(response, file, *more)
        broken.append(True)
        file.write(response.read(len(CONTENT) // 2))
        raise ssl.SSLError("DECRYPTION_FAILED_OR_BAD_RECORD_MAC")

    whole = download._copy
    monkeypatch.setattr(download, "_copy", copy)
    assert fetch_model(card(server.url)).read_bytes() == CONTENT
    assert broken
