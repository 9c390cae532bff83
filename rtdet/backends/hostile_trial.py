"""The first inference of a doubtful model, in a process of its own with limits: what loops for ever, or takes all
memory, is ended there.

A file that has passed is known by its hash in the user's cache and is not tried again. Nothing is learned of a file
that its back end refuses: its own line is better. RTDET_TRIAL=off opens every model untried.
"""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from rtdet.cache import writable_cache
from rtdet.errors import ModelError

_WITHIN_S = 2.5  # of processor time, the start of Python and of the back end included
_SMALL_BYTES, _BYTES_A_SECOND = 4e6, 4e6  # larger files may take longer, and so much
_WALL = 8  # so many times as long on a machine that is busy
_MOST_BYTES = 700 << 20  # of memory, and as much again as _COPIES of the file
_COPIES = 4
_POLL_S = 0.02
_SIDE = 320  # of pictures, where the graph leaves it open

_passed: set[str] = set()  # digests: for where there is no cache


def pass_trial(path: Path, doubt: str, backend: str = "openvino") -> None:
    """Raises ModelError for a model that does not answer in time, takes too much memory or crashes. doubt: what
    speaks against it, for people; backend: "openvino" or "onnxruntime"."""
    if os.environ.get("RTDET_TRIAL", "").lower() in ("off", "0", "no"):
        return
    try:
        size_bytes = sum(part.stat().st_size for part in _parts(path))
        digest = _digest(path, backend)
    except OSError:
        return  # its reader says why
    folder = writable_cache("tried-models")
    if digest in _passed or (folder is not None and (folder / digest).exists()):
        return
    if fault := _run(path, backend, size_bytes):
        raise ModelError(
            f"{path}: {doubt}, and it {fault} when it was tried; export the detector without its "
            "post-processing, or set RTDET_TRIAL=off to open it all the same"
        )
    _passed.add(digest)
    if folder is not None:
        with suppress(OSError):
            (folder / digest).write_text(f"{path.name}\n", encoding="utf-8", errors="replace")


def _parts(path: Path) -> list[Path]:
    weights = path.with_suffix(".bin")
    return [path, weights] if path.suffix.lower() == ".xml" and weights.is_file() else [path]


def _digest(path: Path, backend: str) -> str:
    total = hashlib.sha256(backend.encode())
    for part in _parts(path):
        with part.open("rb") as file:
            while piece := file.read(1 << 20):
                total.update(piece)
    return total.hexdigest()[:32]


def _run(path: Path, backend: str, size_bytes: int) -> str:
    """What went wrong, in a few words; nothing where the model answered or was refused."""
    limit_s = _WITHIN_S + max(0.0, size_bytes - _SMALL_BYTES) / _BYTES_A_SECOND
    most_bytes = _MOST_BYTES + _COPIES * size_bytes
    package = str(Path(__file__).resolve().parents[2])
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    search = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH", ""))))
    child = subprocess.Popen(
        [sys.executable, "-m", "rtdet.backends.hostile_trial", backend, str(path.resolve()), f"{limit_s:.1f}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, **threads, "PYTHONPATH": search},
        cwd=package,  # Python looks for modules there too: not in the folder of a model from somewhere
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )  # fmt: skip
    started = time.monotonic()
    try:
        while child.poll() is None:
            busy_s, used_bytes = _used(child.pid)
            wall_s = time.monotonic() - started
            if max(busy_s, wall_s / (_WALL if busy_s else 1)) > limit_s:
                return f"did not answer within {limit_s:.1f} s"
            if used_bytes > most_bytes:
                return f"took over {most_bytes / 1e9:.1f} GB of memory"
            time.sleep(_POLL_S)
    finally:
        child.kill()
        child.wait()
    return "crashed" if child.returncode < 0 else ""


def _used(pid: int) -> tuple[float, int]:
    """Seconds of processor time and bytes of memory of a process; zeros where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks = os.sysconf("SC_CLK_TCK")
        return (int(fields[11]) + int(fields[12])) / ticks, int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError, IndexError):
        return 0.0, 0


def _limit_self(limit_s: float) -> None:
    """For systems that do not tell the parent, and for a parent that is killed meanwhile: no more memory than any
    trial may take, little more than its time, no core file."""
    try:
        import resource
    except ImportError:  # Windows
        return
    busy_s = math.ceil(limit_s) + 2
    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_AS: 16 << 30, resource.RLIMIT_CPU: busy_s}
    for kind, most in limits.items():
        with suppress(OSError, ValueError):
            resource.setrlimit(kind, (most, most))


def _side(length: int | None, place: int, count: int) -> int:
    if length is not None and length > 0:
        return length
    return 1 if place == 0 or count != 4 else 3 if place == 1 else _SIDE


def _infer_openvino(path: str) -> None:
    import numpy as np

    from rtdet.backends.openvino import load_openvino

    ov = load_openvino()
    from openvino.frontend import FrontEndManager

    front_end = FrontEndManager().load_by_framework("ir" if path.lower().endswith(".xml") else "onnx")
    graph = front_end.convert(front_end.load(path))
    shapes = {}
    for i, port in enumerate(graph.inputs):
        sides = list(port.partial_shape) if port.partial_shape.rank.is_static else []
        lengths = [None if side.is_dynamic else side.get_length() for side in sides]
        shapes[i] = [_side(length, place, len(sides)) for place, length in enumerate(lengths)]
    graph.reshape(shapes)
    compiled = ov.Core().compile_model(graph, "CPU", {"INFERENCE_NUM_THREADS": 1})
    inputs: list[Any] = [
        np.full(shapes[i], 114, dtype=port.get_element_type().to_dtype())
        for i, port in enumerate(graph.inputs)
    ]
    compiled.create_infer_request().infer(inputs)


def _infer_onnxruntime(path: str) -> None:
    import numpy as np

    from rtdet.backends.onnx_loading import load_onnxruntime

    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    types = {
        "double": np.float64,
        "float16": np.float16,
        "uint8": np.uint8,
        "int64": np.int64,
        "int32": np.int32,
    }
    inputs = {}
    for port in session.get_inputs():
        lengths = [length if isinstance(length, int) else None for length in port.shape]
        shape = [_side(length, place, len(lengths)) for place, length in enumerate(lengths)]
        kind = port.type.removeprefix("tensor(").removesuffix(")")
        inputs[port.name] = np.full(shape, 114, dtype=types.get(kind, np.float32))
    session.run(None, inputs)


def main() -> None:
    """`python -m rtdet.backends.hostile_trial BACKEND FILE SECONDS`: one inference, on grey, within SECONDS of
    processor time."""
    backend, path, limit_s = sys.argv[1:]
    _limit_self(float(limit_s))
    try:
        (_infer_onnxruntime if backend == "onnxruntime" else _infer_openvino)(path)
    except Exception:  # what its back end refuses is told by the reader, in its own words
        sys.exit(3)
    os._exit(0)


if __name__ == "__main__":
    main()
