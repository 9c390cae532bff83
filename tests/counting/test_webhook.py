"""Events that are posted to a server on loopback."""

from __future__ import annotations

import json
import logging
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from rtdet.counting.webhook import Webhook
from rtdet.errors import UsageError


@contextmanager
def serve(answers=()):
    """A server that gives these status codes first, then 200; yields its address and what it got."""
    got, codes = [], list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, dict(self.headers), body))
            code = codes.pop(0) if codes else 200
            self.send_response(code)
            if 300 <= code < 400:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_arguments) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_events_arrive_in_order_with_the_login_in_the_header() -> None:
    with serve() as (url, got):
        hook = Webhook(url.replace("//", "//ann:se%40cret@") + "/hook?room=1")
        for i in range(20):
            hook.post(json.dumps({"n": i}))
        hook.close()
    assert [json.loads(body)["n"] for _, _, body in got] == list(range(20))
    path, headers, _ = got[0]
    assert path == "/hook?room=1"
    assert headers["Authorization"] == "Basic YW5uOnNlQGNyZXQ="
    assert headers["Content-Type"] == "application/json"
    assert (hook.sent, hook.dropped) == (20, 0)


def test_a_busy_server_is_tried_again_and_a_refusal_is_not(caplog) -> None:
    with serve([503, 429, 200, 404]) as (url, got):
        hook = Webhook(url, pauses_s=(0.01, 0.01))
        hook.post("1")
        hook.post("2")
        hook.post("3")
        hook.close()
    assert [body for *_, body in got] == [b"1", b"1", b"1", b"2", b"3"]
    assert hook.sent == 2
    assert "1 events did not reach http://127.0.0.1" in caplog.text
    assert "the server answers 404" in caplog.text


def test_no_redirect_is_followed(caplog) -> None:
    with serve([302, 307]) as (url, got):
        hook = Webhook(url, pauses_s=(0.01,))
        hook.post("1")
        hook.post("2")
        hook.close()
    assert len(got) == 2
    assert "answers 302, a redirect, which is not followed" in caplog.text


def test_a_dead_server_holds_nothing_up_and_the_password_is_never_said(caplog) -> None:
    with serve() as (url, _):
        pass  # nobody is there any more
    caplog.set_level(logging.DEBUG, "rtdet")
    hook = Webhook(
        url.replace("//", "//ann:hunter2xyz@") + "/?token=deadbeef99", pauses_s=(0.01,), capacity=2
    )
    for i in range(50):
        hook.post(str(i))
    hook.close(1.0)
    assert hook.sent == 0
    assert "50 events did not reach" in caplog.text
    assert "hunter2xyz" not in caplog.text
    assert "deadbeef99" not in caplog.text
    assert not hook._thread.is_alive()


def test_messages_name_the_server_and_not_the_path_which_may_be_a_secret(caplog) -> None:
    with serve([404]) as (url, got):
        hook = Webhook(url + "/services/T00/Xs3cretX9/in \u00e9?a=b c")
        hook.post("1")
        hook.close()
    assert got[0][0] == "/services/T00/Xs3cretX9/in%20%C3%A9?a=b%20c"
    assert "did not reach http://127.0.0.1" in caplog.text
    assert "Xs3cretX9" not in caplog.text


def test_an_event_that_is_under_way_when_the_run_is_over_is_said_to_be_lost(caplog) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hook = Webhook(f"http://127.0.0.1:{silent.getsockname()[1]}/")
        hook.post("1")
        taken, _ = silent.accept()
        hook.close(0.1)
        assert "1 events did not reach http://127.0.0.1" in caplog.text
        taken.close()
    hook._thread.join()


@pytest.mark.parametrize("url", ["ftp://h/x", "file:///etc/passwd", "h", "", "http://", "http://h:x/"])
def test_an_address_that_is_none_is_refused(url) -> None:
    with pytest.raises(UsageError, match=r"--events-url is an http or https address"):
        Webhook(url)
