from __future__ import annotations

import pytest

from rtdet.batch.engines.nodes import Share, check_shares, shares_of_node
from rtdet.batch.sizes import memory_of_worker, parse_bytes, workers_of_machine
from rtdet.errors import UsageError


def _shares(resources, device="auto", cores=None, gpus=None, memory_bytes=None):
    return shares_of_node(resources, device=device, cores=cores, gpus=gpus, memory_bytes=memory_bytes)


def test_a_node_without_a_gpu_has_a_worker_for_each_core():
    assert _shares({"CPU": 3.0}) == [Share(1)] * 3
    assert _shares({"CPU": 5.0}, cores=2) == [Share(2)] * 2


def test_a_node_with_gpus_has_a_worker_for_each_with_its_part_of_the_cores():
    assert _shares({"CPU": 16.0, "GPU": 2.0}) == [Share(8, 1.0)] * 2
    assert _shares({"CPU": 16.0, "GPU": 2.0}, gpus=0.25, cores=2) == [Share(2, 0.25)] * 8
    assert _shares({"CPU": 4.0, "GPU": 1.0}, device="cpu") == [Share(1)] * 4
    assert _shares({"CPU": 4.0, "GPU": 1.0}, gpus=0) == [Share(1)] * 4


def test_what_needs_a_gpu_is_only_where_one_is():
    assert _shares({"CPU": 16.0}, device="cuda") == []
    assert _shares({"CPU": 16.0}, gpus=0.5) == []
    with pytest.raises(UsageError, match="no node of the cluster has a GPU"):
        check_shares([], "cuda:0", None)
    with pytest.raises(UsageError, match="room for a worker"):
        check_shares([], "auto", None)
    check_shares([Share()], "cuda", None)


def test_memory_limits_how_many_workers_a_node_has():
    assert (
        _shares({"CPU": 8.0, "memory": 10e9}, memory_bytes=3_000_000_000)
        == [Share(1, 0.0, 3_000_000_000, 3_000_000_000)] * 3
    )


def test_workers_share_the_memory_of_their_node_and_are_no_more_than_it_is_enough_for():
    assert _shares({"CPU": 2.0, "memory": 10e9}) == [Share(1, most_bytes=5_000_000_000)] * 2
    assert _shares({"CPU": 64.0, "memory": 4e9}) == [Share(1, most_bytes=2_000_000_000)] * 2
    assert _shares({"CPU": 4.0, "memory": 1e9}) == [Share(1, most_bytes=1_000_000_000)]
    assert _shares({"CPU": 4.0, "GPU": 1.0, "memory": 8e9}) == [Share(4, 1.0, most_bytes=8_000_000_000)]


@pytest.mark.parametrize(
    ("text", "count"),
    [("2GB", 2e9), ("1.5g", 1.5e9), ("800 MB", 8e8), ("64kib", 64e3), ("1TB", 1e12), ("12345", 12345)],
)
def test_sizes_are_read_as_people_write_them(text, count):
    assert parse_bytes(text, "--memory") == count


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "much", "1e99GB", "nan"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UsageError, match="--memory is a size"):
        parse_bytes(text, "--memory")


def test_workers_and_cores_are_as_asked_for_else_by_the_machine():
    assert workers_of_machine(3, 2, "auto") == (3, 2)
    assert workers_of_machine(10_000, None, "auto") == (10_000, 1)
    count, cores = workers_of_machine(None, None, "auto")
    assert count >= 1
    assert cores == 1
    assert workers_of_machine(None, None, "cuda")[0] == 1
    assert memory_of_worker("2GB", 4) == 2_000_000_000
    for workers, cores in ((0, None), (None, 0)):
        with pytest.raises(UsageError, match="must be above 0"):
            workers_of_machine(workers, cores, "auto")
