from __future__ import annotations

import pytest

from rtdet.backends.machine import core_count
from rtdet.batch.engines.nodes import Share, check_shares, shares_of_node
from rtdet.batch.sizes import parse_bytes, staff_of_machine
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


def _staff(workers=None, cores=None, memory=None, device="auto", free=None):
    return staff_of_machine(workers, cores, memory, device, free)


def test_workers_and_cores_are_as_asked_for_else_by_the_machine():
    assert _staff(3, 2)[:2] == (3, 2)
    assert _staff(10_000)[:2] == (10_000, 1)
    assert _staff() == (core_count(), 1, None, "")
    assert _staff(device="cuda")[:2] == (1, core_count())
    assert (
        _staff(2, memory="2GB", free=10**10)
        == _staff(2, memory="2GB")
        == (2, max(1, core_count() // 2), 2 * 10**9, "")
    )
    assert _staff(2, free=10**10).memory_bytes == 4_500_000_000
    for workers, cores in ((0, None), (None, 0)):
        with pytest.raises(UsageError, match="must be above 0"):
            _staff(workers, cores)


def test_there_are_never_more_workers_than_fit_into_the_memory():
    few = _staff(16, free=4 * 10**9)
    assert (few.workers, few.cores, few.memory_bytes) == (6, max(1, core_count() // 6), 600_000_000)
    assert few.note == "no more than 6 of 16 fit into the 4.0 GB of memory that are free"
    assert _staff(16, memory="1GB", free=4 * 10**9)[2:] == (
        10**9,
        "no more than 3 of 16 fit into the 4.0 GB of memory that are free",
    )
    # Who works alone has all that there is, and all cores.
    assert _staff(1, free=10**8)[:3] == (1, core_count(), 90_000_000)
    assert _staff(1, memory="4GB", free=3 * 10**9)[2:] == (4 * 10**9, "")
