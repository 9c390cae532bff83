"""The queues of a device behind a seam: CUDA's streams, events, pinned memory and graphs, and what stands for them
where a device does everything in the order in which it is asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

# What a network computes: its inputs on the device to its outputs there.
Step = Callable[[Sequence[Tensor]], list[Tensor]]
# Runs a recorded step again, on the inputs that it was recorded with.
Replay = Callable[[], None]

_WARM_UPS = 3
# torch: "only one capture may be underway at a time in the process".
_capturing = threading.Lock()


def streams_of(device: torch.device) -> OneQueue:
    """The queues of a device."""
    return CudaStreams(device) if device.type == "cuda" else OneQueue(device)


class OneQueue:
    """The CPU and MPS: what is asked for is done, or seen as done, when a call returns; marks are None.

    in_flight: how many batches may be underway, so that one is uploaded while the other is computed. copies_aside:
    whether other threads copy large inputs to where they are uploaded from, for one alone would hold the device up.
    """

    in_flight = 1
    copies_aside = False

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def host_buffer(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Memory from which the device reads and into which it writes."""
        return torch.empty(*shape, dtype=dtype)

    def device_buffer(self, host: Tensor) -> Tensor | None:
        """Memory of the device's own for what is in `host`; None where it computes on the host's or has to be asked
        for new memory with each upload."""
        return None

    def upload(self, host: Tensor, buffer: Tensor | None) -> Tensor:
        """`host` on the device."""
        return host.to(self.device)

    def download(self, tensor: Tensor, into: Tensor | None) -> Tensor:
        """`tensor` in the host's memory from the next `finish` on; `into` is used for it if it fits."""
        return tensor.cpu()

    def uploading(self) -> AbstractContextManager[Any]:
        """What is asked for inside belongs to the uploads."""
        return nullcontext()

    def computing(self) -> AbstractContextManager[Any]:
        """... to the network's own work."""
        return nullcontext()

    def downloading(self) -> AbstractContextManager[Any]:
        """... to the downloads."""
        return nullcontext()

    def mark(self) -> Any:
        """What has been asked for so far in the context."""
        return None

    def wait(self, mark: Any) -> None:
        """What is asked for in the context from here on begins after `mark`."""

    def finish(self, mark: Any) -> None:
        """Returns when all before `mark` is done."""

    def record(self, step: Step, inputs: Sequence[Tensor]) -> tuple[Replay, list[Tensor]]:
        """What runs `step` once more on `inputs`, whose content may have changed, and the outputs that it then fills.
        In the context of the network's own work."""
        outputs = step(inputs)

        def again() -> None:
            for output, new in zip(outputs, step(inputs), strict=True):
                output.copy_(new)

        return again, outputs

    def release(self) -> None:
        """Gives memory that nothing uses back to the device."""
        if self.device.type == "mps":
            torch.mps.empty_cache()


class CudaStreams(OneQueue):
    """Three streams: while a batch is computed the next one is uploaded and the last one's outputs come back."""

    in_flight = 2
    copies_aside = True

    def __init__(self, device: torch.device) -> None:
        super().__init__(device)
        self._upload, self._compute, self._download = (_new_stream(device) for _ in range(3))
        # What was put on the device before, in the stream of everybody, is there when these begin.
        for stream in (self._upload, self._compute, self._download):
            stream.wait_stream(torch.cuda.current_stream(device))
        self._pool: Any = None

    def host_buffer(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        return torch.empty(*shape, dtype=dtype, pin_memory=True)

    def device_buffer(self, host: Tensor) -> Tensor | None:
        return torch.empty_like(host, device=self.device, pin_memory=False)

    def upload(self, host: Tensor, buffer: Tensor | None) -> Tensor:
        assert buffer is not None
        return buffer.copy_(host, non_blocking=True)

    def download(self, tensor: Tensor, into: Tensor | None) -> Tensor:
        if into is None or into.shape != tensor.shape or into.dtype != tensor.dtype:
            into = self.host_buffer(tensor.shape, tensor.dtype)
        return into.copy_(tensor, non_blocking=True)

    # torch.cuda.stream also makes the stream's device the current one.
    def uploading(self) -> AbstractContextManager[Any]:
        return torch.cuda.stream(self._upload)

    def computing(self) -> AbstractContextManager[Any]:
        return torch.cuda.stream(self._compute)

    def downloading(self) -> AbstractContextManager[Any]:
        return torch.cuda.stream(self._download)

    def mark(self) -> Any:
        # Blocking: who waits sleeps, for the cores are needed by the stages before and after.
        event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(self.device))
        return event

    def wait(self, mark: Any) -> None:
        torch.cuda.current_stream(self.device).wait_event(mark)

    def finish(self, mark: Any) -> None:
        if mark is not None:
            mark.synchronize()
            return
        for stream in (self._upload, self._compute, self._download):
            stream.synchronize()

    def record(self, step: Step, inputs: Sequence[Tensor]) -> tuple[Replay, list[Tensor]]:
        """Captures a CUDA graph. Raises RuntimeError where that is not possible; the streams are usable then too.

        Graphs of one network share memory: they run one after the other, and their outputs are copied at once.
        """
        # Another thread's capture must not meet this one's, nor the waiting for the whole device that it begins with.
        with _capturing, torch.cuda.device(self.device):
            self.finish(None)
            with torch.cuda.stream(self._compute):
                for _ in range(_WARM_UPS):
                    step(inputs)
            self._compute.synchronize()
            graph = torch.cuda.CUDAGraph()
            if self._pool is None:
                self._pool = torch.cuda.graph_pool_handle()
            try:
                with torch.cuda.graph(
                    graph, pool=self._pool, stream=self._compute, capture_error_mode="thread_local"
                ):
                    outputs = step(inputs)
            except RuntimeError:
                self._begin_anew()
                raise
        return graph.replay, outputs

    def _begin_anew(self) -> None:
        """After a capture that failed: in some versions of torch its stream and its memory go on belonging to it."""
        self._pool = None
        self._compute = _new_stream(self.device)

    def release(self) -> None:
        with _capturing, torch.cuda.device(self.device):
            self._pool = None
            torch.cuda.empty_cache()


def _new_stream(device: torch.device) -> Any:
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
