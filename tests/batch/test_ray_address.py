from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from rtdet.batch.engines.ray_address import check_answers
from rtdet.errors import SourceError


@pytest.fixture
def port() -> Iterator[int]:
    """Of somebody who listens on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def dead_port() -> int:
    """Of nobody."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_where_nobody_listens_is_said_at_once(dead_port: int) -> None:
    for address in (f"127.0.0.1:{dead_port}", f"ray://localhost:{dead_port}", "127.0.0.1:99999"):
        with pytest.raises(SourceError, match=r"does not answer: .*; start it, or name another --address"):
            check_answers(address, "127.0.0.1")


def test_a_cluster_of_loopback_is_told_from_one_of_all_addresses(port: int) -> None:
    # 127.0.0.2 is another address of this machine, on which nobody listens.
    assert check_answers(f"127.0.0.1:{port}", "127.0.0.2")
    assert check_answers(f"localhost:{port}", "127.0.0.2")
    assert not check_answers(f"127.0.0.1:{port}", "127.0.0.1")


def test_what_names_no_place_is_left_to_ray() -> None:
    for address in ("auto", "local", "somewhere", "unix:///tmp/socket"):
        assert not check_answers(address, "127.0.0.1")
