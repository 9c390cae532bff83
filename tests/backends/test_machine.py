"""What is said of the machine."""

from __future__ import annotations

import pytest

from rtdet.backends import machine, registry
from rtdet.errors import UsageError


@pytest.fixture
def machine_with_nvidia(monkeypatch, tmp_path):
    """A machine with NVIDIA's driver, without torch, where nothing was said yet."""
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(machine, "has_nvidia_driver", lambda: True)
    monkeypatch.setattr(registry, "is_installed", lambda module: module != "torch")
    machine.tell_of_unused_gpu.cache_clear()
    yield
    machine.tell_of_unused_gpu.cache_clear()


def _a_start() -> tuple[str, str]:
    machine.tell_of_unused_gpu.cache_clear()  # as a new process has it
    return registry.choose("auto", "auto", is_file=False)


@pytest.mark.usefixtures("machine_with_nvidia")
def test_a_gpu_that_nothing_uses_is_told_of_once_on_a_machine(caplog):
    with caplog.at_level("INFO", "rtdet.backends"):
        assert [_a_start(), _a_start()] == [("openvino", "cpu")] * 2
    (record,) = caplog.records
    assert "'rtdet[torch]'" in record.getMessage()


@pytest.mark.usefixtures("machine_with_nvidia")
def test_without_a_cache_it_is_told_once_in_a_process(caplog, monkeypatch, tmp_path):
    (tmp_path / "blocked").write_text("a file where the folder should be")
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path / "blocked"))
    with caplog.at_level("INFO", "rtdet.backends"):
        _a_start()
        registry.choose("auto", "auto", is_file=False)
    assert len(caplog.records) == 1


def test_a_machine_without_a_gpu_is_told_nothing(caplog, monkeypatch, tmp_path):
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path))
    monkeypatch.setattr(machine, "has_nvidia_driver", lambda: False)
    machine.tell_of_unused_gpu.cache_clear()
    with caplog.at_level("INFO", "rtdet.backends"):
        machine.tell_of_unused_gpu()
    assert not caplog.records
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("has_driver", "said"), [(True, r"pip install onnxruntime-gpu"), (False, "no CUDA device found")]
)
def test_a_graph_that_is_wanted_on_cuda_is_told_what_the_machine_lacks(monkeypatch, has_driver, said):
    monkeypatch.setattr(registry, "has_nvidia_driver", lambda: has_driver)
    monkeypatch.setattr(registry, "is_installed", lambda module: module not in ("torch", "onnxruntime"))
    with pytest.raises(UsageError, match=said):
        registry.choose("auto", "cuda", is_file=True)
