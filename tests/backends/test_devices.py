"""Devices by name: on the CPU through every name that this machine has, and on made-up lists of devices."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rtdet.backends import onnx_providers, open_network, registry
from rtdet.backends.devices import (
    Device,
    check_device,
    devices_here,
    named_openvino_devices,
    names_here,
    openvino_name,
    precision_for_positions,
    provider_devices,
)
from rtdet.backends.onnx_providers import providers_of, start_session
from rtdet.backends.onnxruntime import export_onnx
from rtdet.detectors.registry import load_detector
from rtdet.errors import UnknownNameError, UsageError

SHAPE = (1, 3, 32, 48)


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.convolution = torch.nn.Conv2d(3, 4, 3, 2, 1)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return self.convolution(batch).relu()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path / "cache"))
    onnx_providers._warn_once.cache_clear()


class TestNames:
    @pytest.mark.parametrize(
        ("name", "own"),
        [
            ("cpu", "CPU"), ("intel-gpu", "GPU"), ("intel-gpu:1", "GPU.1"), ("npu", "NPU"), ("openvino-auto", "AUTO"),
            ("openvino:HETERO:GPU,CPU", "HETERO:GPU,CPU"),
        ],
    )  # fmt: skip
    def test_openvino_has_names_of_its_own(self, name: str, own: str) -> None:
        check_device(name)
        assert openvino_name(name) == own

    @pytest.mark.parametrize(
        ("name", "nearest"),
        [("intel_gpu", "intel-gpu"), ("nup", "npu"), ("tensort", "tensorrt"), ("cuda:x", "cuda"), ("cpu:1", "cpu"),
         ("intel-gpu:", "intel-gpu"), ("mps:0", "mps"), ("openvino:", "openvino-auto"), ("openvino:gpu", "")],
    )  # fmt: skip
    def test_an_unknown_name_is_one_line_with_the_nearest(self, name: str, nearest: str) -> None:
        with pytest.raises(
            UnknownNameError, match=f"unknown device '{name}'.*{nearest}.*this machine has cpu"
        ):
            check_device(name)

    def test_openvinos_devices_get_rtdets_names(self) -> None:
        found = {"CPU": "AMD EPYC", "GPU.0": "UHD 770", "GPU.1": "Arc A770", "NPU": "AI Boost", "GNA": "old"}
        assert named_openvino_devices(found) == (
            Device("intel-gpu:0", "openvino", "UHD 770"),
            Device("intel-gpu:1", "openvino", "Arc A770"),
            Device("npu", "openvino", "AI Boost"),
        )
        assert named_openvino_devices({"CPU": "", "GPU": "UHD"}) == (Device("intel-gpu", "openvino", "UHD"),)

    def test_onnx_runtimes_providers_get_rtdets_names(self) -> None:
        wheel = ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider")
        assert [one.name for one in provider_devices(wheel)] == ["cuda", "tensorrt"]
        assert [one.name for one in provider_devices(("DmlExecutionProvider",))] == ["directml"]
        assert [one.name for one in provider_devices(("CoreMLExecutionProvider",))] == ["coreml"]
        assert provider_devices(("AzureExecutionProvider", "CPUExecutionProvider")) == ()

    def test_the_cpu_comes_first_of_what_is_here(self) -> None:
        assert devices_here()[0].name == "cpu"
        assert {"cpu", "openvino-auto"} <= set(names_here())


def expected(picture: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return Net()(torch.from_numpy(picture)).numpy()


@pytest.mark.parametrize(
    "device", ["openvino-auto", "openvino:AUTO:CPU", "openvino:HETERO:CPU", "openvino:CPU"]
)
def test_openvinos_other_devices_run_the_same_code_and_give_the_same(device: str) -> None:
    network = open_network(Net(), SHAPE, device=device, precision="fp32")
    assert (network.backend, network.device, network.precision) == ("openvino", device, "fp32")
    picture = np.random.default_rng(0).standard_normal(SHAPE, dtype=np.float32)
    for count in (1, 3):
        for (output,) in network.run_many([picture] * count):
            np.testing.assert_allclose(output, expected(picture), atol=1e-4)
    network.close()


def test_the_embedded_model_finds_the_same_on_openvinos_choice_of_device() -> None:
    from rtdet.detectors.heads.head import street_picture

    found = []
    for device in ("cpu", "openvino-auto"):
        detector = load_detector("rtdet-n", device=device, precision="fp32")
        found.append(detector.detect([street_picture()])[0])
        detector.close()
    assert len(found[0]) > 3
    np.testing.assert_allclose(found[1].boxes, found[0].boxes, atol=0.5)


class TestWhatIsNotHere:
    @pytest.mark.parametrize(
        ("device", "said"),
        [
            ("intel-gpu", "no Intel GPU found"),
            ("npu", "no NPU found"),
            ("tensorrt", "no TensorRT found"),
            ("coreml", "no CoreML found"),
            ("directml", "no DirectML found"),
        ],
    )
    def test_one_line_names_what_is_here(self, device: str, said: str) -> None:
        if device in names_here():
            pytest.skip(f"there is {device} here")
        with pytest.raises(UsageError, match=said + r".*this machine has cpu.*openvino-auto"):
            open_network(Net(), SHAPE, device=device)

    def test_a_device_of_openvinos_own_names_what_it_has(self) -> None:
        with pytest.raises(UsageError, match="OpenVINO has no FPGA here, only CPU"):
            open_network(Net(), SHAPE, device="openvino:HETERO:FPGA,CPU")

    def test_a_number_beyond_those_that_are_here(self, monkeypatch: pytest.MonkeyPatch) -> None:
        one = (Device("intel-gpu", "openvino", "UHD"),)
        monkeypatch.setattr(registry, "intel_devices", lambda: one)
        with pytest.raises(UsageError, match="there is no intel-gpu:1, only 1 such device"):
            registry.choose("auto", "intel-gpu:1", is_file=False)
        assert registry.choose("auto", "intel-gpu:0", is_file=True) == ("openvino", "intel-gpu:0")

    def test_a_backend_without_such_devices_says_which_it_has(self) -> None:
        with pytest.raises(UsageError, match="the torch backend runs on the CPU, cuda and mps; for npu use"):
            open_network(Net(), SHAPE, backend="torch", device="npu")
        with pytest.raises(
            UsageError, match="openvino backend runs on the CPU, Intel GPUs and NPUs; for tensorrt"
        ):
            open_network(Net(), SHAPE, backend="openvino", device="tensorrt")


class TestCandidates:
    """What may be the quickest, on made-up machines."""

    def test_an_intel_gpu_and_an_npu_are_tried_behind_the_cpu(self, monkeypatch: pytest.MonkeyPatch) -> None:
        here = named_openvino_devices({"CPU": "", "GPU": "Arc", "NPU": "AI Boost"})
        monkeypatch.setattr(registry, "intel_devices", lambda: here)
        assert registry.candidates("auto", "auto", is_file=False) == (
            ("openvino", "cpu"), ("openvino", "intel-gpu"), ("openvino", "npu"),
        )  # fmt: skip
        assert registry.candidates("openvino", "auto", is_file=True)[1:] == (
            ("openvino", "intel-gpu"), ("openvino", "npu"),
        )  # fmt: skip
        assert registry.candidates("auto", "npu", is_file=False) == (("openvino", "npu"),)

    def test_directml_is_tried_for_networks_in_files_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(registry, "_installed", lambda wheel: wheel == "onnxruntime-directml")
        monkeypatch.setattr(
            registry, "onnx_providers", lambda: ("DmlExecutionProvider", "CPUExecutionProvider")
        )
        assert registry.candidates("auto", "auto", is_file=True)[:2] == (
            ("onnxruntime", "directml"), ("openvino", "cpu"),
        )  # fmt: skip
        assert ("onnxruntime", "directml") not in registry.candidates("auto", "auto", is_file=False)
        assert registry.candidates("auto", "directml:1", is_file=False) == (("onnxruntime", "directml:1"),)

    def test_mps_is_coreml_for_networks_in_files(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(registry, "onnx_providers", lambda: ("CoreMLExecutionProvider",))
        assert registry.candidates("auto", "mps", is_file=True) == (("onnxruntime", "coreml"),)

    def test_a_cpu_is_onnx_runtimes_too_for_networks_in_files_alone(self) -> None:
        assert registry.candidates("auto", "cpu", is_file=False) == (("openvino", "cpu"),)
        assert registry.candidates("auto", "cpu", is_file=True) == (
            ("openvino", "cpu"),
            ("onnxruntime", "cpu"),
        )


def test_positions_are_fp32_but_on_what_has_fp16_alone() -> None:
    for device, precision in (
        ("cpu", "fp32"),
        ("openvino-auto", "fp32"),
        ("npu", "auto"),
        ("intel-gpu:1", "auto"),
    ):
        assert precision_for_positions("auto", device) == precision
        assert precision_for_positions("bf16", device) == "bf16"


class Started:
    """What ONNX Runtime returns, of providers that start."""

    def __init__(self, providers: list[str]) -> None:
        self.providers = providers

    def get_providers(self) -> list[str]:
        return self.providers


class TestOnnxRuntimesProviders:
    def test_each_device_falls_back_on_what_is_behind_it(self) -> None:
        names = [name for name, _ in providers_of("tensorrt:1")]
        assert names == ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
        options = dict(providers_of("tensorrt:1", "fp16"))
        assert options["TensorrtExecutionProvider"]["trt_fp16_enable"] is True
        assert options["CUDAExecutionProvider"] == {"device_id": 1}
        assert providers_of("directml:2")[0] == ("DmlExecutionProvider", {"device_id": 2})
        assert [name for name, _ in providers_of("coreml")] == [
            "CoreMLExecutionProvider",
            "CPUExecutionProvider",
        ]

    def test_a_provider_that_raises_is_warned_of_once_and_the_next_one_runs(self, caplog) -> None:
        def make(providers: list) -> Started:
            if providers[0][0] == "TensorrtExecutionProvider":
                raise RuntimeError("[ONNXRuntimeError] : 1 : FAIL : libnvinfer.so.10 is missing")
            return Started([name for name, _ in providers])

        with caplog.at_level(logging.WARNING, "rtdet.backends"):
            results = [start_session(make, "tensorrt") for _ in range(2)]
        assert [device for _, device in results] == ["cuda", "cuda"]
        (record,) = caplog.records
        assert "cannot start TensorRT (libnvinfer.so.10 is missing): it runs on cuda" in record.getMessage()

    def test_a_provider_that_is_left_out_in_silence_is_warned_of_too(self, caplog) -> None:
        with caplog.at_level(logging.WARNING, "rtdet.backends"):
            _, device = start_session(lambda providers: Started(["CPUExecutionProvider"]), "directml")
        assert device == "cpu"
        assert "runs on cpu instead" in caplog.text

    def test_a_network_that_the_cpu_cannot_read_either_raises_and_says_nothing_of_providers(
        self, caplog
    ) -> None:
        def make(providers: list) -> Started:
            raise ValueError("damaged")

        with pytest.raises(ValueError, match="damaged"):
            start_session(make, "cuda")
        assert not caplog.records

    def test_a_real_session_of_a_device_that_does_not_start_runs_on_the_cpu(
        self, tmp_path: Path, caplog
    ) -> None:
        from rtdet.backends.onnx_loading import load_onnxruntime

        onnxruntime = load_onnxruntime()

        content = export_onnx(Net(), SHAPE)

        def make(providers: list) -> Any:
            has = set(onnxruntime.get_available_providers())
            if not {name for name, _ in providers} <= has:
                raise RuntimeError("not in this wheel")
            return onnxruntime.InferenceSession(content, providers=providers, enable_fallback=0)

        if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
            pytest.skip("this wheel has CUDA")
        session, device = start_session(make, "cuda")
        assert device == "cpu"
        picture = np.random.default_rng(0).standard_normal(SHAPE, dtype=np.float32)
        (output,) = session.run(None, {session.get_inputs()[0].name: picture})
        np.testing.assert_allclose(output, expected(picture), atol=1e-4)
        assert "not in this wheel" in caplog.text
