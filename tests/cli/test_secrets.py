"""User, password and tokens of a source's address: in no byte that a run prints or writes."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import quote

import av
import pytest

USER, PASSWORD, TOKEN = "groundskeeper", "Swordfish77", "TokenTok88"


def said_in(content: bytes, secrets: tuple[str, ...] = (USER, PASSWORD, TOKEN)) -> list[str]:
    """Which of the secrets stand in it, in one encoding or another."""
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    words = [*secrets, *(base64.b64encode(one.encode()).decode().rstrip("=") for one in secrets), login]
    folded = content.lower()
    return [
        word
        for word in words
        for spelt in (word.encode(), word.encode("utf-16-le"), word[::-1].encode(), quote(word).encode())
        if spelt.lower() in folded
    ]


@pytest.mark.parametrize("debug", [(), ("--debug",)])
@pytest.mark.parametrize(
    "address",
    [
        f"rtsp://{USER}:{PASSWORD}@127.0.0.1:1/x",
        f"rtsp://{USER}:{PASSWORD}/{PASSWORD}@127.0.0.1:1/x",
        f"rtsp://{USER}:a {PASSWORD}@127.0.0.1:1/x",
        f"http://{USER}:{PASSWORD}/{PASSWORD}@127.0.0.1:1/x",
        f"http://{USER}:{PASSWORD} x@127.0.0.1:1/x",
        f"http://127.0.0.1:1/a b?access_token={TOKEN}",
        f"http://127.0.0.1:1/live.m3u8?X-Amz-Signature={TOKEN}&loginpas={PASSWORD}",
        f"http://127.0.0.1:1/#access_token={TOKEN}",
        f"tcp://{USER}:{PASSWORD}@127.0.0.1",
        f"udp://{USER}:{PASSWORD}@127.0.0.1:x{PASSWORD}",
        f"gopher://{USER}:{PASSWORD}@127.0.0.1/x",
        f"http://[{USER}:{PASSWORD}@::1/x",
        f"rtsp:/{USER}:{PASSWORD}@127.0.0.1/x",
        f"{USER}:{PASSWORD}@127.0.0.1/x",
        f"rtsp://127.0.0.1:1/user={USER}_password={PASSWORD}_channel=1.sdp",
    ],
)
def test_no_error_says_them(rtdet, address, debug, tmp_path, capsys) -> None:
    for arguments in (
        ("--source", address),
        (address,),
        ("--model", address),
        ("--headless", f"--source={address}"),
    ):
        try:
            outcome = rtdet(*arguments, "--headless", *debug)
            said = outcome.out + outcome.err
        except Exception as error:  # the traceback of a fault of another kind goes through the same hook
            from rtdet.terminal import show_traceback

            show_traceback(type(error), error, error.__traceback__)
            said = "".join(capsys.readouterr())
        assert said
        assert said_in(said.encode()) == [], said
    outcome = rtdet("detect", address, "--out", "o.json")
    assert said_in((outcome.out + outcome.err).encode()) == []


def test_an_address_cut_by_the_shell_is_not_said(rtdet) -> None:
    outcome = rtdet("--source", f"rtsp://{USER}:two", f"{PASSWORD}@127.0.0.1/x", "--headless")
    assert said_in((outcome.out + outcome.err).encode()) == []


def test_the_configuration_and_the_environment_are_no_way_around(rtdet, tmp_path, monkeypatch) -> None:
    (tmp_path / "rtdet.toml").write_text(f'source = "rtsp://{USER}:{PASSWORD}@127.0.0.1:1/x"\n')
    outcome = rtdet("--config", "rtdet.toml", "--headless", "--debug")
    assert outcome.code == 3
    assert said_in(outcome.err.encode()) == []
    monkeypatch.setenv("RTDET_SOURCE", f"http://127.0.0.1:1/v?access_token={TOKEN}")
    assert said_in(rtdet("--headless", "--debug").err.encode()) == []


@contextmanager
def guarded_server(folder: Path) -> Iterator[str]:
    """Gives `folder` to who knows user and password; the host and port."""
    wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))

        def do_GET(self) -> None:
            if self.headers.get("Authorization") == wanted:
                super().do_GET()
                return
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_run_that_signs_in_writes_them_nowhere(start_rtdet, clip, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path / "cache"))
    said = b""
    (tmp_path / "served").mkdir()
    in_order = tmp_path / "served" / "street.ts"  # its index is not at its end: the server gives no parts
    with av.open(str(clip)) as film, av.open(str(in_order), "w") as stream:
        track = stream.add_stream_from_template(film.streams.video[0])
        for packet in film.demux(film.streams.video[0]):
            if packet.dts is not None:
                packet.stream = track
                stream.mux(packet)
    with guarded_server(in_order.parent) as host:
        address = f"http://{USER}:{PASSWORD}@{host}/street.ts?access_token={TOKEN}"
        for suffix in ("csv", "jsonl", "json", "txt", "parquet"):
            outputs = ("--tracks", f"t.{suffix}", "--save", "o.mp4", "--stats", "s.json")
            if suffix != "csv":
                outputs = outputs[:2]
            run = start_rtdet("--source", address, "--headless", "--debug", "--max-frames", 3, *outputs)
            out, err = run.communicate()
            assert run.returncode == 0, err
            said += (out + err).encode()
    assert said_in(said) == []
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) >= 7
    for path in written:
        assert said_in(path.read_bytes()) == [], path
        assert said_in(str(path).encode()) == [], path


def test_the_search_itself_finds_what_it_looks_for() -> None:
    for text, wide in itertools.product((PASSWORD, f"x{quote(USER)}"), ("utf-8", "utf-16-le")):
        assert said_in(text.encode(wide))
