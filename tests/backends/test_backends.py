from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from rtdet.backends import open_network
from rtdet.backends.graphs import inspect_graph
from rtdet.errors import ModelError, UnknownNameError, UsageError

SHAPE = (1, 3, 32, 48)


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(3, 4, 3, 2, 1)

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.convolution(batch).relu()
        return features.flatten(2), features.mean((2, 3))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("backend", ["auto", "openvino", "onnxruntime"])
def test_opening_a_network_loads_no_telemetry_and_writes_nothing_into_the_home(
    tmp_path: Path, backend: str
) -> None:
    """OpenVINO's own import starts its telemetry, which leaves a folder `intel` in the home folder; ONNX Runtime's
    leaves an identifier in `.cache/Microsoft`."""
    code = """
import sys
from pathlib import Path
from rtdet.backends import open_network
open_network(Path(sys.argv[1]), (1, 3, 32, 48), backend=sys.argv[2])
print([name for name, module in sys.modules.items() if name.startswith("openvino_telemetry") and module])
"""
    home = tmp_path / "home"
    home.mkdir()
    root = Path(__file__).resolve().parents[2]
    environment = {"HOME": str(home), "RTDET_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", code, str(save_onnx(tmp_path / "net.onnx")), backend]
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[]"
    assert not list(home.iterdir())


def test_a_module_goes_to_openvino_without_its_converter() -> None:
    open_network(Net(), SHAPE, backend="openvino")
    assert sys.modules["openvino_telemetry"] is None


def test_inputs_are_pulled_as_the_network_gets_free_and_not_all_at_once() -> None:
    network = open_network(Net(), SHAPE, backend="openvino")
    pulled = 0

    def inputs() -> Iterator[np.ndarray]:
        nonlocal pulled
        for i in range(100):
            pulled += 1
            yield np.full(SHAPE, i / 100, dtype=np.float32)

    results = network.run_many(inputs())
    next(results)
    assert pulled < 50
    results.close()  # leaving early is allowed
    again = list(network.run_many([np.zeros(SHAPE, dtype=np.float32)]))
    assert len(again) == 1


def test_a_cache_that_cannot_be_written_is_no_error(own_cache: Path) -> None:
    own_cache.write_text("a file where the folder should be")
    network = open_network(Net(), SHAPE, backend="openvino")
    assert len(list(network.run_many([np.zeros(SHAPE, dtype=np.float32)]))) == 1


def test_what_is_compiled_once_is_kept_for_the_next_start(own_cache: Path) -> None:
    open_network(Net(), SHAPE, backend="openvino")
    assert list((own_cache / "openvino").glob("*.blob"))


def test_a_module_is_left_as_it_was() -> None:
    module = Net().train()
    for backend in ("openvino", "onnxruntime", "torch"):
        network = open_network(module, SHAPE, backend=backend)
        assert module.training
        one = np.ones(SHAPE, dtype=np.float32)
        before = next(iter(network.run_many([one])))[1].copy()
        with torch.no_grad():
            module.convolution.bias.add_(1)  # type: ignore[union-attr]
        np.testing.assert_array_equal(next(iter(network.run_many([one])))[1], before)


class TestNamesThatAreWrong:
    def test_an_unknown_backend_device_or_precision_names_the_nearest(self) -> None:
        for setting, name, nearest in (
            ("backend", "openvin", "openvino"),
            ("device", "cude", "cuda"),
            ("precision", "fp61", "fp16"),
        ):
            with pytest.raises(UnknownNameError, match=nearest):
                open_network(Net(), SHAPE, **{setting: name})

    def test_a_device_that_is_not_here_is_one_line(self) -> None:
        if torch.cuda.is_available():
            pytest.skip("there is a CUDA device here")
        for device in ("cuda", "cuda:1"):
            for backend in ("auto", "torch", "onnxruntime"):
                with pytest.raises(UsageError, match="no CUDA device found; use --device cpu or auto"):
                    open_network(Net(), SHAPE, device=device, backend=backend)

    def test_settings_that_do_not_go_together_say_so(self, tmp_path: Path) -> None:
        graph = tmp_path / "some.onnx"
        graph.write_bytes(b"")
        with pytest.raises(UsageError, match="openvino backend runs on the CPU"):
            open_network(Net(), SHAPE, backend="openvino", device="cuda")
        with pytest.raises(UsageError, match="torch backend cannot run"):
            open_network(graph, SHAPE, backend="torch")
        with pytest.raises(UsageError, match="int8"):
            open_network(Net(), SHAPE, precision="int8")
        with pytest.raises(UsageError, match="fp16"):
            open_network(Net(), SHAPE, backend="torch", device="cpu", precision="fp16")
        with pytest.raises(UsageError, match="bf16"):
            open_network(Net(), SHAPE, backend="onnxruntime", device="cpu", precision="bf16")


class TestFiles:
    def test_a_missing_file_and_another_kind_of_file_are_named(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"no model file .*gone\.onnx"):
            open_network(tmp_path / "gone.onnx", SHAPE)
        other = tmp_path / "weights.bin"
        other.write_bytes(b"1")
        with pytest.raises(ModelError, match=r"weights\.bin is no network"):
            open_network(other, SHAPE)

    def test_a_graph_tells_its_inputs_and_outputs(self, tmp_path: Path) -> None:
        path = save_onnx(tmp_path / "net.onnx")
        info = inspect_graph(path)
        assert [port.shape for port in info.inputs] == [SHAPE]
        assert [port.shape for port in info.outputs] == [(1, 4, 16 * 24), (1, 4)]

    def test_a_shape_that_a_graph_cannot_take_is_a_model_error(self, tmp_path: Path) -> None:
        path = save_onnx(tmp_path / "net.onnx")
        with pytest.raises(ModelError, match="takes"):
            open_network(path, (1, 3, 64, 64), backend="onnxruntime")
        with pytest.raises(ModelError):
            open_network(path, (1, 5, 64, 64), backend="openvino")


def save_onnx(path: Path) -> Path:
    from rtdet.backends.onnxruntime import export_onnx

    path.write_bytes(export_onnx(Net(), SHAPE))
    return path
