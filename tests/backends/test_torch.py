"""The torch backend on the CPU: batches, recordings, precision. `test_torch_cuda.py` has what needs a GPU."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rtdet.backends.network import PixelInput
from rtdet.backends.torch import TorchNetwork
from rtdet.backends.torch_static import obstacle
from rtdet.errors import ModelError

SHAPE = (1, 3, 32, 48)
CPU = torch.device("cpu")


class Net(nn.Module):
    """Counts how many pictures it is given at once."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.SiLU())
        self.head = nn.Conv2d(8, 5, 1)
        self.calls: list[int] = []

    def forward(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        self.calls.append(len(batch))
        features = self.stem(batch)
        return self.head(features).flatten(2).transpose(1, 2), features.mean((2, 3)).argmax(1)


class WithPriors(Net):
    """One of its outputs is the same whatever the pictures are."""

    def forward(self, batch: Tensor) -> tuple[Tensor, ...]:
        return *super().forward(batch), torch.arange(12.0).reshape(3, 4)


class Mixing(Net):
    """What it gives for one picture depends on the others."""

    def forward(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        return super().forward(batch - batch.mean(0, keepdim=True) / 2)


class Counting(Net):
    """Gives as many rows as there are bright pixels: another number for each picture."""

    def forward(self, batch: Tensor) -> Tensor:
        self.calls.append(len(batch))
        return (batch > 0.5).nonzero().float()


class Small(Net):
    """A device whose memory holds three pictures."""

    def forward(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        if len(batch) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return super().forward(batch)


def opened(module: nn.Module, **settings: object) -> TorchNetwork:
    return TorchNetwork(module, CPU, "fp32", (SHAPE,), **settings)  # type: ignore[arg-type]


def pictures(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.standard_normal(SHAPE, dtype=np.float32) for _ in range(count)]


def alone(module: nn.Module, inputs: Sequence[np.ndarray]) -> list[tuple[np.ndarray, ...]]:
    with torch.no_grad():
        found = [module.eval()(torch.from_numpy(one)) for one in inputs]
    return [tuple(part.numpy() for part in ((one,) if isinstance(one, Tensor) else one)) for one in found]


def assert_same(found: Sequence[tuple[np.ndarray, ...]], wanted: Sequence[tuple[np.ndarray, ...]]) -> None:
    assert len(found) == len(wanted)
    for outputs, expected in zip(found, wanted, strict=True):
        assert [one.shape for one in outputs] == [one.shape for one in expected]
        for output, one in zip(outputs, expected, strict=True):
            np.testing.assert_allclose(output, one, atol=1e-5)


def module_in(network: TorchNetwork) -> Net:
    """The copy of the module that the network runs."""
    module = network.module
    assert isinstance(module, Net)
    return module


@pytest.fixture(params=[False, True], ids=["as-it-is", "recorded"])
def is_static(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


class TestBatches:
    @pytest.mark.parametrize("count", [0, 1, 2, 4, 7, 13])
    def test_pictures_computed_together_are_as_each_alone_and_in_order(
        self, count: int, is_static: bool
    ) -> None:
        inputs = pictures(count)
        network = opened(Net(), batch=4, is_static=is_static)
        module = module_in(network)
        assert_same(list(network.run_many(iter(inputs))), alone(module, inputs))

    def test_after_the_first_few_pictures_as_many_as_wait_are_computed_at_once(self) -> None:
        network = opened(Net(), batch=4)
        list(network.run_many(pictures(4)))
        calls = module_in(network).calls
        calls.clear()
        list(network.run_many(pictures(11)))
        assert calls == [4, 4, 3]

    def test_a_single_picture_does_not_wait_for_others(self) -> None:
        network = opened(Net(), batch=4)
        for one in pictures(3):
            assert len(list(network.run_many([one]))) == 1
        assert module_in(network).calls == [1, 1, 1]

    @pytest.mark.parametrize("kind", [WithPriors, Mixing, Counting])
    def test_a_network_that_cannot_take_several_gets_one_at_a_time(
        self, kind: type[Net], is_static: bool
    ) -> None:
        inputs = pictures(9)
        network = opened(kind(), batch=4, is_static=is_static)
        module = module_in(network)
        found = list(network.run_many(inputs)) + list(network.run_many(inputs))
        assert_same(found, alone(module, inputs) * 2)

    def test_an_input_without_an_axis_for_pictures_comes_one_at_a_time(self) -> None:
        class Regions(nn.Module):
            def forward(self, batch: Tensor, regions: Tensor) -> Tensor:
                return batch.mean() + regions

        network = TorchNetwork(Regions(), CPU, "fp32", (SHAPE, (5, 4)), batch=None)
        regions = np.ones((5, 4), np.float32)
        found = list(network.run_many([(one, regions) for one in pictures(3)]))
        assert [outputs[0].shape for outputs in found] == [(5, 4)] * 3

    def test_several_inputs_are_gathered_each(self, is_static: bool) -> None:
        class Sum(nn.Module):
            def forward(self, batch: Tensor, more: Tensor) -> Tensor:
                return batch.mean((1, 2, 3))[:, None] + more

        network = TorchNetwork(Sum(), CPU, "fp32", (SHAPE, (1, 2)), batch=4, is_static=is_static)
        inputs = [(one, np.full((1, 2), i, np.float32)) for i, one in enumerate(pictures(6))]
        found = [outputs[0] for outputs in network.run_many(inputs)]
        for i, (one, row) in enumerate(zip(inputs, found, strict=True)):
            np.testing.assert_allclose(row, np.full((1, 2), one[0].mean() + i), atol=1e-5)

    def test_the_outputs_of_a_batch_are_the_caller_s_own(self, is_static: bool) -> None:
        network = opened(Net(), batch=4, is_static=is_static)
        inputs = pictures(8)
        first = list(network.run_many(inputs))
        kept = [tuple(one.copy() for one in outputs) for outputs in first]
        list(network.run_many([one * 3 for one in inputs]))
        assert_same(first, kept)
        first[0][0][:] = 7  # writable, and nobody else's
        assert_same(first[1:], kept[1:])

    def test_who_leaves_early_can_begin_anew(self, is_static: bool) -> None:
        inputs = pictures(8)
        network = opened(Net(), batch=2, is_static=is_static)
        module = module_in(network)
        results = network.run_many(inputs)
        next(results)
        results.close()  # type: ignore[attr-defined]
        assert_same(list(network.run_many(inputs)), alone(module, inputs))

    def test_two_runs_that_take_turns_do_not_mix(self) -> None:
        network = opened(Net(), batch=2)
        module = module_in(network)
        inputs = pictures(6)
        one, other = network.run_many(inputs), network.run_many(inputs[::-1])
        found = [(next(one), next(other)) for _ in inputs]
        assert_same([pair[0] for pair in found], alone(module, inputs))
        assert_same([pair[1] for pair in found], alone(module, inputs[::-1]))

    def test_an_error_in_the_inputs_reaches_the_caller(self) -> None:
        def broken() -> Iterator[np.ndarray]:
            yield from pictures(3)
            raise RuntimeError("the picture was bad")

        network = opened(Net(), batch=4)
        with pytest.raises(RuntimeError, match="the picture was bad"):
            list(network.run_many(broken()))
        assert len(list(network.run_many(pictures(5)))) == 5


class TestLargeInputs:
    def test_they_are_copied_by_other_threads_and_are_there_when_they_are_uploaded(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Mean(nn.Module):
            def forward(self, batch: Tensor) -> Tensor:
                return batch.double().mean((1, 2, 3))

        monkeypatch.setattr("rtdet.backends.torch_streams.OneQueue.copies_aside", True)
        shape = (1, 3, 400, 300)
        rng = np.random.default_rng(0)
        inputs = [rng.integers(0, 256, (1, 400, 300, 3), dtype=np.uint8) for _ in range(23)]
        network = TorchNetwork(Mean(), CPU, "fp32", (shape,), PixelInput(), batch=8)
        for _ in range(4):
            found = [float(outputs[0][0]) for outputs in network.run_many(inputs)]
            np.testing.assert_allclose(found, [one.mean() for one in inputs], rtol=1e-5)
        threads = {thread.name.partition("_")[0] for thread in threading.enumerate()}
        assert "torch-staging" in threads


class TestPixels:
    def test_pictures_are_gathered_as_bytes(self, is_static: bool) -> None:
        pixels = PixelInput(0, "rgb", (123.0, 116.0, 103.0), (58.0, 57.0, 56.0))
        rng = np.random.default_rng(1)
        inputs = [rng.integers(0, 256, (1, 32, 48, 3), dtype=np.uint8) for _ in range(7)]
        network = opened(Net(), pixels=pixels, batch=4, is_static=is_static)
        blobs = [
            ((one[..., ::-1] - np.array(pixels.mean)) / pixels.std).transpose(0, 3, 1, 2) for one in inputs
        ]
        wanted = alone(module_in(network), [np.ascontiguousarray(one, dtype=np.float32) for one in blobs])
        assert_same(list(network.run_many(inputs)), wanted)

    @pytest.mark.parametrize(
        "wrong", [np.zeros((1, 32, 48, 3), np.float32), np.zeros((1, 48, 32, 3), np.uint8)]
    )
    def test_what_is_no_such_picture_is_one_clear_line(self, wrong: np.ndarray) -> None:
        network = opened(Net(), pixels=PixelInput())
        with pytest.raises(ModelError, match=r"takes pixels \(uint8\) of \(1, 32, 48, 3\)"):
            list(network.run_many([wrong]))
        assert len(list(network.run_many([np.zeros((1, 32, 48, 3), np.uint8)]))) == 1

    def test_a_missing_input_is_one_clear_line(self) -> None:
        network = TorchNetwork(Net(), CPU, "fp32", (SHAPE, SHAPE))
        with pytest.raises(ModelError, match="has 2 inputs, and was given 1"):
            list(network.run_many(pictures(1)))


class TestMemory:
    def test_a_batch_that_is_too_large_becomes_smaller_and_stays_so(self, is_static: bool) -> None:
        inputs = pictures(16)
        network = opened(Small(), batch=8, is_static=is_static)
        module = module_in(network)
        found = list(network.run_many(inputs))
        module.calls.clear()
        again = list(network.run_many(inputs))
        assert max(module.calls) == 2
        wanted = alone(module, inputs)
        assert_same(found, wanted)
        assert_same(again, wanted)

    def test_one_picture_that_is_too_large_says_what_to_do(self) -> None:
        class Full(nn.Module):
            def forward(self, batch: Tensor) -> Tensor:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB\nmore\nlines")

        with pytest.raises(
            ModelError, match=r"too little memory left for an input of .*: use a smaller --imgsz"
        ):
            list(opened(Full()).run_many(pictures(1)))

    def test_a_closed_network_holds_nothing_of_its_module(self) -> None:
        import gc
        import weakref

        network = opened(Net(), batch=4, is_static=True)
        list(network.run_many(pictures(6)))
        module = weakref.ref(module_in(network))
        network.close()
        gc.collect()
        assert module() is None

    def test_a_network_closed_in_the_middle_of_a_run_says_so(self) -> None:
        network = opened(Net(), batch=2)
        results = network.run_many(pictures(8))
        next(results)
        network.close()
        with pytest.raises(ModelError, match="closed"):
            list(results)


class TestPrecision:
    def test_weights_converted_once_compute_what_autocast_computes(self) -> None:
        network = TorchNetwork(Net(), CPU, "bf16", (SHAPE,))
        module = module_in(network)
        assert module.head.weight.dtype == torch.bfloat16
        assert module.stem[1].weight.dtype == torch.float32
        plain = Net().eval()
        plain.load_state_dict(module.state_dict())
        # The same weights, rounded, in float32: autocast rounds them anew and finds nothing to round.
        (one,) = pictures(1)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            wanted = plain(torch.from_numpy(one))
        (found,) = network.run_many([one])
        np.testing.assert_array_equal(found[0], wanted[0].float().numpy())


class TestRecordings:
    def test_a_step_is_recorded_once_for_each_size_and_not_again(self) -> None:
        network = opened(Net(), batch=4, is_static=True)
        list(network.run_many(pictures(11)))
        recordings = dict(network._step._recordings)  # type: ignore[union-attr]
        assert sorted(recordings) == [1, 4]
        assert None not in recordings.values()
        list(network.run_many(pictures(11)))
        assert network._step._recordings == recordings  # type: ignore[union-attr]

    def test_what_the_host_has_to_look_at_cannot_be_recorded(self) -> None:
        cases = {
            "nonzero": lambda x: (x > 0).nonzero(),
            "index": lambda x: x[x > 0],
            "masked_select": lambda x: x.masked_select(x > 0),
            "_local_scalar_dense": lambda x: x * x.max().item(),
            "_to_copy": lambda x: x.to("meta"),
            "index_put_": lambda x: x.clone().index_put_((x > 0,), torch.ones(())),
        }
        for name, compute in cases.items():
            with torch.inference_mode():
                found = obstacle(lambda inputs, compute=compute: [compute(inputs[0])], [torch.rand(4, 4)])
            assert found == name

    def test_what_the_device_does_alone_can_be_recorded(self) -> None:
        rows = torch.tensor([0, 2])
        computed = [
            lambda x: x.topk(2).values,
            lambda x: x.sort(descending=True).values,
            lambda x: x.masked_fill(x > 0.5, 1.0),
            lambda x: torch.where(x > 0.5, x, 0.0),
            lambda x: x[rows],
            lambda x: x.gather(1, x.argmax(1, keepdim=True)),
            lambda x: x.add_(1).relu_(),
            lambda x: nn.functional.interpolate(x[None, None], size=(8, 8), mode="bilinear"),
        ]
        for compute in computed:
            assert obstacle(lambda inputs, compute=compute: [compute(inputs[0])], [torch.rand(4, 4)]) is None


def test_networks_in_several_threads_do_not_disturb_each_other() -> None:
    inputs = pictures(12)
    networks = [opened(Net(), batch=4, is_static=True) for _ in range(3)]
    wanted = [alone(module_in(network), inputs) for network in networks]
    found: dict[int, list[tuple[np.ndarray, ...]]] = {}

    def run(place: int) -> None:
        for _ in range(5):
            found[place] = list(networks[place].run_many(inputs))

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(networks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for place, expected in enumerate(wanted):
        assert_same(found[place], expected)
