"""Network streams against real servers on loopback: alive, dying, coming back, silent, refusing."""

from __future__ import annotations

import contextlib
import itertools
import logging
import re
import socket
import struct
import threading
import time
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from rtdet.errors import SourceError
from rtdet.protocols import SourceState
from rtdet.video.sources import open_source
from rtdet.video.sources.container import FileSource
from rtdet.video.sources.stream import StreamSource, open_stream

FRAMES = 50


def numbered(index):
    """Picture number `index`, drawn in it as six bars."""
    bars = [220 if index >> bit & 1 else 30 for bit in range(6)]
    return np.repeat(np.repeat(np.array(bars, np.uint8), 10)[None, :, None], 48, axis=0).repeat(3, axis=2)


def numbers(frames):
    """Which of the numbered pictures each frame is."""
    bars = [[frame.bgr[:, bit * 10 : bit * 10 + 10].mean() for bit in range(6)] for frame in frames]
    return [sum(1 << bit for bit, level in enumerate(row) if level > 125) for row in bars]


LOW_DELAY = {"g": "5", "bf": "0", "tune": "zerolatency", "crf": "5"}


def encoded(folder, container_format, noise=0, *, codec="libx264", encoder=LOW_DELAY, **muxer):
    """FRAMES numbered pictures of H.264 in a container, as bytes."""
    random = np.random.default_rng(0)
    path = folder / f"clip.{container_format}"
    with av.open(str(path), "w", format=container_format, options=muxer) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 60, 48, "yuv420p"
        stream.codec_context.options = encoder
        for i in range(FRAMES):
            picture = numbered(i) - random.integers(0, noise + 1, (48, 60, 3), np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, "bgr24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode())
    return path.read_bytes()


@pytest.fixture(scope="module")
def transport_stream(tmp_path_factory):
    return encoded(tmp_path_factory.mktemp("ts"), "mpegts")


@pytest.fixture(scope="module")
def mp4(tmp_path_factory):
    return encoded(tmp_path_factory.mktemp("mp4"), "mp4")


@pytest.fixture(scope="module")
def front(tmp_path_factory):
    """MP4 with its index in front, so that it can be read without seeking; too long for one reading ahead."""
    return encoded(tmp_path_factory.mktemp("front"), "mp4", noise=25, movflags="faststart")


class Server:
    """A TCP server on loopback. Each connection is played by the next of its acts, the last one again and
    again; None: refuse from then on. An act gets the server, the connection and what the client sent."""

    def __init__(self, *acts, greets=True):
        self.acts, self.greets = list(acts), greets
        self.requests = []
        self.stop = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self.serve)]
        self.threads[0].start()

    def serve(self):
        while not self.stop.is_set():
            try:
                self.listener.settimeout(0.05)
                connection, _ = self.listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
            if len(self.acts) == 1 and self.acts[0] is None:
                self.listener.close()
            connection.settimeout(5)
            thread = threading.Thread(target=self.play, args=(act, connection))
            self.threads.append(thread)
            thread.start()

    def play(self, act, connection):
        with connection, contextlib.suppress(OSError):
            request = connection.recv(4096).decode() if self.greets else ""
            self.requests.append(request)
            if act is not None:
                act(self, connection, request)

    def close(self):
        self.stop.set()
        self.listener.close()
        for thread in self.threads:
            thread.join(5)


@pytest.fixture
def serve():
    servers = []

    def start(*acts, **more):
        servers.append(Server(*acts, **more))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def answer(connection, content=b"", *headers, status="200 OK"):
    head = "\r\n".join([f"HTTP/1.1 {status}", "Connection: close", *headers, "", ""])
    connection.sendall(head.encode() + content)


def streaming(content, then="hang", kind="video/mp2t"):
    """Send `content` as a stream without a length; then leave the connection open, or drop it."""

    def act(server, connection, request):
        answer(connection, content, f"Content-Type: {kind}")
        if then == "hang":
            server.stop.wait(20)

    return act


def silence(server, connection, request):
    server.stop.wait(20)


def read(source, count):
    return [source.read() for _ in range(count)]


def read_to_the_end(source):
    frames = []
    while (frame := source.read()) is not None:
        frames.append(frame)
    return frames


def wait_for(condition, limit_s=10.0):
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.01)


def no_thread_is_left():
    return not [thread for thread in threading.enumerate() if thread.name.startswith("rtdet")]


def test_a_transport_stream_over_http_is_live_and_gives_every_frame(serve, transport_stream):
    server = serve(streaming(transport_stream))
    source = open_source(f"http://127.0.0.1:{server.port}/live")
    frames = read(source, FRAMES - 2)
    assert source.info.is_live
    assert not source.info.is_seekable
    assert (source.info.width, source.info.height) == (60, 48)
    assert numbers(frames) == list(range(FRAMES - 2))
    assert [frame.index for frame in frames] == list(range(FRAMES - 2))
    assert frames[0].t == 0
    assert all(b.t > a.t for a, b in itertools.pairwise(frames))
    assert len(server.requests) == 1
    source.close()
    assert source.read() is None
    wait_for(no_thread_is_left)


def test_a_camera_that_sends_jpegs_over_http_is_read(serve):
    def act(server, connection, request):
        answer(connection, b"", "Content-Type: multipart/x-mixed-replace; boundary=frame")
        for i in itertools.count():
            jpeg = cv2.imencode(".jpg", numbered(i % 50))[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            connection.sendall(head.encode() + jpeg + b"\r\n")
            if server.stop.wait(0.005):
                return

    source = open_source(f"http://127.0.0.1:{serve(act).port}/mjpg")
    frames = read(source, 20)
    assert numbers(frames) == list(range(20))
    assert "mjpeg" in source.info.detail
    source.close()


def test_a_stream_that_dies_and_comes_back_goes_on_with_its_clock_and_count(serve, transport_stream, caplog):
    server = serve(streaming(transport_stream, "die"), streaming(transport_stream))
    source = StreamSource(f"http://127.0.0.1:{server.port}/live", backoff_s=(0.05, 0.1))
    with caplog.at_level(logging.WARNING, "rtdet.video"):
        frames = read(source, FRAMES + 20)
    assert numbers(frames[FRAMES:]) == list(range(20))
    assert [frame.index for frame in frames] == list(range(FRAMES + 20))
    assert all(b.t > a.t for a, b in itertools.pairwise(frames))
    assert source.reconnects == 1
    assert [record.message for record in caplog.records] == [
        f"http://127.0.0.1:{server.port}/live was lost (the stream ended): reconnecting"
    ]
    source.close()


def test_a_lost_stream_says_that_it_is_reconnecting(serve, transport_stream):
    come_back = threading.Event()

    def later(server, connection, request):
        come_back.wait(10)
        streaming(transport_stream)(server, connection, request)

    server = serve(streaming(transport_stream, "die"), later)
    source = StreamSource(f"http://127.0.0.1:{server.port}/live", backoff_s=(0.05, 0.1))
    read(source, FRAMES)
    wait_for(lambda: source.state is SourceState.RECONNECTING)
    come_back.set()
    assert source.read() is not None
    assert source.state is SourceState.OPEN
    source.close()
    assert source.state is SourceState.ENDED


def test_a_stream_that_falls_silent_is_connected_again(serve, transport_stream):
    server = serve(streaming(transport_stream), streaming(transport_stream))
    source = StreamSource(f"http://127.0.0.1:{server.port}/live", stall_s=0.3, backoff_s=(0.05, 0.1))
    frames = read(source, FRAMES + 5)
    assert all(frame is not None for frame in frames)
    assert source.reconnects == 1
    source.close()


def test_a_pause_that_is_short_enough_is_waited_for(serve, transport_stream):
    half = len(transport_stream) // 2 // 188 * 188

    def act(server, connection, request):
        answer(connection, transport_stream[:half])
        server.stop.wait(0.4)
        connection.sendall(transport_stream[half:])
        server.stop.wait(20)

    source = open_stream(f"http://127.0.0.1:{serve(act).port}/live", stall_s=5)
    assert numbers(read(source, FRAMES - 2)) == list(range(FRAMES - 2))
    assert source.reconnects == 0
    source.close()


def test_a_stream_that_never_comes_back_is_given_up(serve, transport_stream):
    server = serve(streaming(transport_stream, "die"), None)
    url = f"http://me:s3cret@127.0.0.1:{server.port}/live"
    source = StreamSource(url, give_up_s=0.5, backoff_s=(0.05, 0.1))
    with pytest.raises(
        SourceError, match=r"^http://\*\*\*@127.*/live was lost \d+ s ago and has not come back"
    ):
        read_to_the_end(source)
    assert source.state is SourceState.ENDED
    assert source.read() is None
    wait_for(no_thread_is_left)


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.mark.parametrize("scheme", ["http", "tcp", "rtsp", "rtmp"])
def test_a_refused_connection_is_one_clear_line_without_the_password(scheme, capfd):
    with pytest.raises(SourceError) as caught:
        open_source(f"{scheme}://me:s3cret@127.0.0.1:{closed_port()}/live")
    message = str(caught.value)
    assert re.match(rf"cannot open {scheme}://\*\*\*@127.0.0.1:\d+/live: Connection refused; check", message)
    assert "s3cret" not in message
    assert "\n" not in message
    assert capfd.readouterr().err == ""
    wait_for(no_thread_is_left)


@pytest.mark.parametrize("scheme", ["http", "tcp", "rtsp"])
def test_a_server_that_accepts_and_stays_silent_is_an_error_in_time(serve, scheme, capfd):
    server = serve(silence)
    with pytest.raises(
        SourceError, match=rf"cannot open {scheme}://127.0.0.1:\d+/live: .*; check the address"
    ):
        open_stream(f"{scheme}://127.0.0.1:{server.port}/live", open_timeout_s=0.4)
    assert capfd.readouterr().err == ""
    wait_for(no_thread_is_left)


def test_headers_and_then_silence_is_an_error_in_time(serve):
    server = serve(streaming(b""))
    with pytest.raises(SourceError, match=r"cannot open .*/live: "):
        open_stream(f"http://127.0.0.1:{server.port}/live", open_timeout_s=0.4)
    wait_for(no_thread_is_left)


def test_a_datagram_stream_that_never_sends_is_an_error_in_time():
    with pytest.raises(SourceError, match=r"cannot open udp://127.0.0.1:\d+: .*; check the address"):
        open_stream(f"udp://127.0.0.1:{free_udp_port()}", open_timeout_s=0.3)


def test_a_datagram_stream_may_be_addressed_by_name():
    with pytest.raises(SourceError, match=r"no picture came within 0.3 s"):
        open_stream(f"udp://localhost:{free_udp_port()}", open_timeout_s=0.3)


@pytest.mark.parametrize(
    ("status", "line"), [("404 Not Found", "the server answers 404 Not Found"), ("401 Unauthorized", "401")]
)
def test_a_server_that_says_no_is_quoted(serve, status, line):
    server = serve(lambda server, connection, request: answer(connection, b"", status=status))
    with pytest.raises(SourceError, match=line):
        open_source(f"http://127.0.0.1:{server.port}/live")


def test_a_web_page_is_not_a_stream(serve):
    page = b"<html><body>log in</body></html>" * 20
    for headers in ((), (f"Content-Length: {len(page)}",)):
        server = serve(lambda server, connection, request, h=headers: answer(connection, page, *h))
        with pytest.raises(SourceError, match=r"http://127.0.0.1:\d+/page"):
            open_source(f"http://127.0.0.1:{server.port}/page")


def test_user_and_password_of_the_address_are_used(serve, transport_stream):
    def act(server, connection, request):
        if "Authorization: Basic bWU6czNjcmV0" in request:
            streaming(transport_stream)(server, connection, request)
        else:
            answer(connection, b"", 'WWW-Authenticate: Basic realm="camera"', status="401 Unauthorized")

    source = open_source(f"http://me:s3cret@127.0.0.1:{serve(act).port}/live")
    assert source.read() is not None
    assert "s3cret" not in source.info.name
    source.close()


@pytest.mark.parametrize("scheme", ["http", "tcp"])
def test_close_ends_a_blocked_read(serve, transport_stream, scheme):
    def act(server, connection, request):
        if scheme == "http":
            streaming(transport_stream)(server, connection, request)
        else:
            connection.sendall(transport_stream)
            server.stop.wait(20)

    server = serve(act, greets=scheme == "http")
    source = StreamSource(f"{scheme}://127.0.0.1:{server.port}", stall_s=30)
    ended = []
    reader = threading.Thread(target=lambda: ended.append(len(read_to_the_end(source))))
    reader.start()
    wait_for(lambda: source._count >= FRAMES - 2)
    source.close()
    reader.join(10)
    assert not reader.is_alive()
    assert ended[0] >= FRAMES - 2 - 2  # of the frames before it was closed, two may have waited to be read
    wait_for(no_thread_is_left, 10)


def test_close_ends_a_read_that_waits_for_a_reconnection(serve, transport_stream):
    server = serve(streaming(transport_stream, "die"), silence)
    source = StreamSource(f"http://127.0.0.1:{server.port}/live", backoff_s=(0.01, 0.1))
    read(source, FRAMES)
    wait_for(lambda: len(server.requests) == 2)
    reader = threading.Thread(target=source.read)
    reader.start()
    source.close()
    reader.join(10)
    assert not reader.is_alive()
    wait_for(no_thread_is_left, 10)


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_transport_stream_in_datagrams_is_read(transport_stream):
    port = free_udp_port()
    stop = threading.Event()

    def send():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while not stop.is_set():
                for start in range(0, len(transport_stream), 1316):
                    sender.sendto(transport_stream[start : start + 1316], ("127.0.0.1", port))
                    stop.wait(0.003)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        source = open_source(f"udp://127.0.0.1:{port}")
        frames = read(source, 30)
        assert source.info.is_live
        assert all(frame.size == (60, 48) for frame in frames)
        assert all(b.t > a.t for a, b in itertools.pairwise(frames))
        source.close()
    finally:
        stop.set()
        sender.join()


def rtsp(content, then="hang"):
    """A camera: RTSP with its RTP inside the connection, carrying a transport stream (payload 33)."""
    sdp = (
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\na=control:track1\r\n"
    )
    replies = {
        "OPTIONS": ("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN", ""),
        "DESCRIBE": ("Content-Type: application/sdp", sdp),
        "SETUP": ("Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1", ""),
        "PLAY": ("Session: 1", ""),
    }

    def act(server, connection, request):
        while request:
            method, sequence = request.split()[0], re.search(r"CSeq: (\d+)", request)[1]
            if method not in replies:
                return
            headers, body = replies[method]
            head = f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\n{headers}\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall((head + body).encode())
            if method == "PLAY":
                break
            request = connection.recv(4096).decode()
        for number, start in enumerate(range(0, len(content), 1316)):
            packet = (
                struct.pack("!BBHII", 0x80, 33, number & 0xFFFF, number * 900, 1)
                + content[start : start + 1316]
            )
            connection.sendall(struct.pack("!cBH", b"$", 0, len(packet)) + packet)
        if then == "hang":
            server.stop.wait(20)

    return act


def test_an_rtsp_camera_is_read_and_connected_again_when_it_dies(serve, transport_stream):
    server = serve(rtsp(transport_stream, "die"), rtsp(transport_stream))
    source = StreamSource(f"rtsp://127.0.0.1:{server.port}/live", stall_s=0.5, backoff_s=(0.05, 0.1))
    frames = read(source, FRAMES + 10)
    assert source.info.is_live
    assert numbers(frames[:20]) == list(range(20))
    assert source.reconnects == 1
    assert all(b.t > a.t for a, b in itertools.pairwise(frames))
    source.close()
    assert source.read() is None
    wait_for(no_thread_is_left, 2)


# Finite files over http


def serving(content, ranges=True, cut_first=False):
    """A file server; `cut_first`: the first answer breaks off half-way."""
    served = []

    def act(server, connection, request):
        wanted = re.search(r"Range: bytes=(\d+)-", request)
        start = int(wanted[1]) if wanted and ranges else 0
        part = content[start:]
        headers = [f"Content-Length: {len(part)}", *(["Accept-Ranges: bytes"] if ranges else [])]
        if start:
            headers.append(f"Content-Range: bytes {start}-{len(content) - 1}/{len(content)}")
        first = not served
        served.append(start)
        body = part[: len(part) // 2] if cut_first and first else part
        answer(connection, body, *headers, status="206 Partial Content" if start else "200 OK")

    return act


def test_a_finite_file_over_http_is_read_like_a_file(serve, mp4):
    server = serve(serving(mp4))
    source = open_source(f"http://127.0.0.1:{server.port}/clip.mp4")
    assert isinstance(source, FileSource)
    frames = read_to_the_end(source)
    assert numbers(frames) == list(range(FRAMES))
    assert [frame.t for frame in frames] == pytest.approx([i / 25 for i in range(FRAMES)])
    assert not source.info.is_live
    assert source.info.duration_s == pytest.approx(2)
    source.seek(1.0)
    assert numbers([source.read()]) == [25]
    source.close()


def test_a_transport_stream_with_a_length_ends_at_its_end(serve, transport_stream):
    source = open_source(f"http://127.0.0.1:{serve(serving(transport_stream)).port}/clip.ts")
    assert not source.info.is_live
    assert len(read_to_the_end(source)) == FRAMES
    source.close()


def test_a_server_without_ranges_gives_a_file_that_cannot_be_seeked(serve, front):
    source = open_source(f"http://127.0.0.1:{serve(serving(front, ranges=False)).port}/clip.mp4")
    assert not source.info.is_seekable
    assert len(read_to_the_end(source)) == FRAMES
    source.close()


def test_a_transfer_that_is_cut_off_is_taken_up_where_it_was(serve, front):
    server = serve(serving(front, cut_first=True))
    source = open_source(f"http://127.0.0.1:{server.port}/clip.mp4")
    assert numbers(read_to_the_end(source)) == list(range(FRAMES))
    assert any("Range: bytes=" in request for request in server.requests)
    source.close()


def test_a_transfer_that_is_cut_off_for_good_is_a_lost_source(serve, front):
    server = serve(serving(front, ranges=False, cut_first=True))
    source = open_source(f"http://127.0.0.1:{server.port}/clip.mp4")
    with pytest.raises(
        SourceError, match=r"/clip.mp4 was lost while it was being read \(.*\): open it again"
    ):
        read_to_the_end(source)
    source.close()


def test_a_file_whose_server_is_gone_while_it_is_opened_is_one_clear_line(serve, mp4, capfd):
    server = serve(serving(mp4, cut_first=True), lambda *_: None)
    with pytest.raises(SourceError, match=r"/clip.mp4 cannot be read as a video"):
        open_source(f"http://127.0.0.1:{server.port}/clip.mp4")
    assert capfd.readouterr().err == ""


def test_close_ends_a_read_of_a_stalled_file(serve, front):

    def act(server, connection, request):
        answer(connection, front[: len(front) // 2], f"Content-Length: {len(front)}")
        server.stop.wait(20)

    source = open_stream(f"http://127.0.0.1:{serve(act).port}/clip.mp4", stall_s=30)
    reader = threading.Thread(target=read_to_the_end, args=(source,))
    reader.start()
    time.sleep(0.1)
    source.close()
    reader.join(10)
    assert not reader.is_alive()
    assert source.read() is None


def test_a_playlist_of_segments_is_read_to_its_end(serve, transport_stream):
    playlist = b"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\nclip.ts\n#EXT-X-ENDLIST\n"

    def act(server, connection, request):
        is_list = ".m3u8" in request.split()[1]
        kind = "application/vnd.apple.mpegurl" if is_list else "video/mp2t"
        content = playlist if is_list else transport_stream
        answer(connection, content, f"Content-Type: {kind}", f"Content-Length: {len(content)}")

    source = open_source(f"http://127.0.0.1:{serve(act).port}/film.m3u8")
    frames = read_to_the_end(source)
    assert numbers(frames) == list(range(FRAMES))
    assert not source.info.is_live
    assert [frame.t for frame in frames] == pytest.approx([i / 25 for i in range(FRAMES)])
    assert source.read() is None
    source.close()


# Playlists


@pytest.fixture(scope="module")
def segments(tmp_path_factory):
    """Segments of two seconds, one clock through all of them."""
    folder = write_segments(tmp_path_factory.mktemp("hls"))
    return [(folder / f"all{number}.ts").read_bytes() for number in range(6)]


def write_segments(folder, **muxer):
    muxer = {"hls_time": "2", "hls_list_size": "0", **muxer}
    with av.open(str(folder / "all.m3u8"), "w", format="hls", options=muxer) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 60, 48, "yuv420p"
        stream.codec_context.options = {
            "g": "50",
            "keyint_min": "50",
            "bf": "2",
            "crf": "5",
            "sc_threshold": "0",
        }
        for i in range(6 * FRAMES):
            frame = av.VideoFrame.from_ndarray(numbered(i % FRAMES), "bgr24").reformat(format="yuv420p")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return folder


class Playlist:
    """A server of a live playlist: `published` segments are named in it, `window` of them at once."""

    def __init__(self, segments, published=3, window=5, is_over=False, master=False):
        self.segments, self.published, self.window = segments, published, window
        self.is_over, self.master = is_over, master
        self.first = 0
        self.fetched = []

    def text(self):
        first = max(self.first, self.published - self.window)
        lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:2", f"#EXT-X-MEDIA-SEQUENCE:{first}"]
        for number in range(first, self.published):
            lines += ["#EXTINF:2.0,", f"segment{number}.ts"]
        return "\n".join([*lines, *(["#EXT-X-ENDLIST"] if self.is_over else []), ""]).encode()

    def __call__(self, server, connection, request):
        path = request.split()[1]
        if path.endswith("master.m3u8"):
            variants = "#EXT-X-STREAM-INF:BANDWIDTH={}\n{}\n"
            content = "#EXTM3U\n" + variants.format(100, "low.m3u8") + variants.format(900, "live.m3u8")
            answer(connection, content.encode())
        elif path.endswith("live.m3u8"):
            answer(connection, self.text())
        elif found := re.search(r"segment(\d+)\.ts", path):
            self.fetched.append(int(found[1]))
            answer(connection, self.segments[int(found[1])], "Content-Type: video/mp2t")
        else:
            answer(connection, b"", status="404 Not Found")


def test_a_live_playlist_is_paced_by_its_own_times_and_loses_no_picture(serve, segments):
    playlist = Playlist(segments, published=1)
    source = open_source(f"http://127.0.0.1:{serve(playlist).port}/live.m3u8")
    playlist.published = 2
    frames = read(source, 2 * FRAMES - 5)
    assert source.info.is_live
    assert numbers(frames) == [i % FRAMES for i in range(2 * FRAMES - 5)]
    assert [frame.t for frame in frames] == pytest.approx([i / 25 for i in range(2 * FRAMES - 5)], abs=0.002)
    # A picture is never early: the freshest-frame policy then has the time for it that a camera's would have.
    assert all(b.captured_at - a.captured_at >= b.t - a.t - 0.3 for a, b in itertools.pairwise(frames))
    assert frames[-1].captured_at - frames[0].captured_at >= frames[-1].t - 0.6
    source.close()
    wait_for(no_thread_is_left, 2)


def test_a_live_playlist_begins_three_segments_before_its_end_with_the_best_variant(serve, segments):
    playlist = Playlist(segments, published=6)
    source = open_source(f"http://127.0.0.1:{serve(playlist).port}/master.m3u8")
    assert numbers(read(source, 3)) == [0, 1, 2]
    assert playlist.fetched[0] == 3
    source.close()


def test_a_playlist_whose_server_comes_back_goes_on_after_the_last_segment(serve, segments):
    playlist = Playlist(segments, published=1)
    broken = threading.Event()

    def act(server, connection, request):
        if broken.is_set():
            answer(connection, b"", status="503 Service Unavailable")
        else:
            playlist(server, connection, request)

    source = StreamSource(f"http://127.0.0.1:{serve(act).port}/live.m3u8", backoff_s=(0.05, 0.1))
    first = read(source, FRAMES - 5)
    broken.set()
    wait_for(lambda: source.state is SourceState.RECONNECTING)
    playlist.published = 2
    broken.clear()
    later = read(source, FRAMES - 10)
    assert source.reconnects >= 1
    assert playlist.fetched == [0, 1]
    assert all(b.t > a.t for a, b in itertools.pairwise([*first, *later]))
    source.close()


def test_the_reader_of_a_playlist_that_waits_for_news_is_gone_soon_after_close(serve, segments):
    playlist = Playlist(segments, published=1)
    source = StreamSource(f"http://127.0.0.1:{serve(playlist).port}/live.m3u8", stall_s=30)
    read(source, FRAMES - 5)
    source.close()
    wait_for(lambda: source.is_released, 2)
    assert source.read() is None


def test_a_finite_playlist_gives_the_pictures_that_its_decoder_held_back(serve, segments):
    playlist = Playlist(segments, published=2, is_over=True)
    source = open_source(f"http://127.0.0.1:{serve(playlist).port}/live.m3u8")
    assert not source.info.is_live
    assert source.info.duration_s == pytest.approx(4)
    frames = read_to_the_end(source)
    assert numbers(frames) == [*range(FRAMES), *range(FRAMES)]
    assert [frame.t for frame in frames] == pytest.approx([i / 25 for i in range(2 * FRAMES)], abs=0.001)
    assert source.read() is None
    source.close()


def encrypted(folder, vector):
    """The same segments, encrypted by FFmpeg with AES-128; the vector, or "" for the segments' numbers."""
    key = bytes(range(16))
    (folder / "secret.key").write_bytes(key)
    (folder / "info").write_text(f"secret.key\n{folder / 'secret.key'}\n{vector}\n")
    return write_segments(folder, hls_key_info_file=str(folder / "info"))


def file_server(folder, fetched=None):
    def act(server, connection, request):
        name = request.split()[1].lstrip("/")
        if fetched is not None:
            fetched.append(name)
        answer(connection, (folder / name).read_bytes(), "Content-Type: application/octet-stream")

    return act


@pytest.mark.parametrize("vector", ["", "000102030405060708090a0b0c0d0eff"])
def test_a_playlist_encrypted_as_a_whole_is_read_and_its_key_fetched_once(serve, tmp_path, vector):
    folder, fetched = encrypted(tmp_path, vector), []
    source = open_source(f"http://127.0.0.1:{serve(file_server(folder, fetched)).port}/all.m3u8")
    frames = read_to_the_end(source)
    assert numbers(frames) == [i % FRAMES for i in range(6 * FRAMES)]
    assert [frame.t for frame in frames] == pytest.approx([i / 25 for i in range(6 * FRAMES)], abs=0.001)
    assert fetched.count("secret.key") == 1
    source.close()
    wait_for(no_thread_is_left, 2)


@pytest.mark.parametrize(
    ("key", "line"),
    [(b"a page", "the server gives no key"), (bytes(16), "choose a file|cannot be decrypted|check")],
)
def test_a_key_that_is_none_or_another_is_one_line(serve, tmp_path, key, line):
    folder = encrypted(tmp_path, "")
    (folder / "secret.key").write_bytes(key)
    with pytest.raises(SourceError, match=line):
        open_source(f"http://127.0.0.1:{serve(file_server(folder)).port}/all.m3u8")
    wait_for(no_thread_is_left, 2)


@pytest.mark.parametrize(
    "text",
    [
        b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:abc\n",
        b"#EXTM3U\n#EXTINF:nonsense,\na.ts\n#EXT-X-ENDLIST\n",
        b"#EXTM3U\n#EXT-X-ENDLIST\n",
        b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlive.m3u8\n",
        b"not a playlist",
        b"",
    ],
)
def test_a_playlist_of_nonsense_is_one_clear_line(serve, text, capfd):
    server = serve(lambda server, connection, request: answer(connection, text))
    with pytest.raises(
        SourceError, match=r"http://127.0.0.1:\d+/live.m3u8.*(check the address|choose a file)"
    ):
        open_stream(f"http://127.0.0.1:{server.port}/live.m3u8", open_timeout_s=2, stall_s=0.5)
    assert capfd.readouterr().err == ""


# What goes wrong in mid-stream


def test_a_codec_that_changes_in_mid_stream_is_decoded_anew(serve, transport_stream, tmp_path):
    other = encoded(tmp_path, "mpegts", codec="mpeg2video", encoder={"g": "5", "bf": "0"})

    def act(server, connection, request):
        answer(connection, transport_stream if len(server.requests) == 1 else b"", "Content-Type: video/mp2t")
        while not server.stop.wait(0.02):  # bytes keep coming, the first decoder's pictures do not
            connection.sendall(other)

    server = serve(act)
    source = StreamSource(f"http://127.0.0.1:{server.port}/live", stall_s=0.5, backoff_s=(0.05, 0.1))
    frames = read(source, FRAMES - 2)
    assert "h264" in source.info.detail
    for _ in range(500):
        assert source.read() is not None
        if source.reconnects:
            break
    read(source, 5)  # what was on its way
    later = read(source, 20)
    assert all((b - a) % FRAMES == 1 for a, b in itertools.pairwise(numbers(later)))
    assert all(b.t > a.t for a, b in itertools.pairwise([*frames, *later]))
    source.close()


def test_pictures_that_come_in_bursts_again_and_again_are_paced(serve, segments):
    def act(server, connection, request):
        answer(connection, b"", "Content-Type: video/mp2t")
        for segment in segments:
            connection.sendall(segment)
            if server.stop.wait(2.0):
                return

    source = open_source(f"http://127.0.0.1:{serve(act).port}/live")
    frames = read(source, 4 * FRAMES)
    paced = frames[3 * FRAMES + 5 :]
    steps = [b.t - a.t for a, b in itertools.pairwise(paced)]
    assert steps == pytest.approx([0.04] * len(steps), abs=0.002)
    assert all(b.t > a.t for a, b in itertools.pairwise(frames))
    source.close()


# Servers and addresses of nonsense


@pytest.mark.parametrize(
    "words",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 banana\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 150 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 100_000 + b"\r\n\r\n",
        b"\x00\xff\x1b[31m\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
        b"",
    ],
)
@pytest.mark.parametrize("path", ["live", "live.m3u8"])
def test_a_server_that_answers_nonsense_is_one_clear_line(serve, words, path, capfd):
    server = serve(lambda server, connection, request: connection.sendall(words))
    with pytest.raises(SourceError) as caught:
        open_stream(f"http://127.0.0.1:{server.port}/{path}", open_timeout_s=2, stall_s=0.5)
    assert "\n" not in str(caught.value)
    assert str(caught.value).isprintable()
    assert capfd.readouterr().err == ""


def test_a_redirect_to_an_ftp_server_is_not_followed(serve):
    visited = threading.Event()
    ftp = serve(lambda server, connection, request: visited.set(), greets=False)
    location = f"Location: ftp://127.0.0.1:{ftp.port}/clip.mp4"
    server = serve(lambda server, connection, request: answer(connection, b"", location, status="302 Found"))
    with pytest.raises(SourceError, match=r"the server redirects to a ftp address"):
        open_source(f"http://127.0.0.1:{server.port}/clip.mp4")
    assert not visited.is_set()


@pytest.mark.parametrize(
    "address",
    ["http://[", "http://h:abc/", "rtsp://h:99999999/", "http://[::1", "rtsp://[x]/", "udp://@:abc"],
)
def test_an_address_of_nonsense_is_one_clear_line(address):
    with pytest.raises(SourceError, match=r"is not a valid address: check its host and port"):
        open_source(address)


def test_a_blank_in_an_address_is_sent_as_one(serve, mp4):
    server = serve(serving(mp4))
    source = open_source(f"http://127.0.0.1:{server.port}/my clip.mp4?a=b c")
    assert numbers([source.read()]) == [0]
    assert server.requests[0].startswith("GET /my%20clip.mp4?a=b%20c HTTP/1.1")
    source.close()


def test_a_reader_that_is_slow_gets_every_picture_of_a_finite_playlist(serve, segments):
    playlist = Playlist(segments, published=1, is_over=True)
    source = open_source(f"http://127.0.0.1:{serve(playlist).port}/live.m3u8")
    time.sleep(1.3)  # longer than a live source waits
    assert numbers(read_to_the_end(source)) == list(range(FRAMES))
    source.close()
