"""Against YOLOX-nano's real export, where it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.csp import CspSSD
from rtdet.errors import ModelError
from rtdet.training.transfer import from_yolox, set_up_norms

YOLOX = Path(__file__).resolve().parents[2].parent / "shared/data/weights/yolox_nano_coco.onnx"
real = pytest.mark.skipif(not YOLOX.is_file(), reason="needs ../shared/data/weights (YOLOX-nano)")


def _pictures(count=2, side=96):
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 3, 12, 12, generator=generator) * 255
    return torch.nn.functional.interpolate(coarse, side, mode="bilinear")


@real
def test_the_ssd_says_what_yolox_says():
    from rtdet.backends.onnx_loading import load_onnxruntime

    onnxruntime = load_onnxruntime()

    session = onnxruntime.InferenceSession(str(YOLOX))
    picture = _pictures(1, 416)
    (rows,) = session.run(None, {session.get_inputs()[0].name: picture.numpy()})
    rows = rows[0].astype(np.float64)
    model = from_yolox(YOLOX, ("person", "bus"), [picture])
    with torch.no_grad():
        offsets, logits = (part[0].double().numpy() for part in model(picture))
    # In cells, from the cell's corner, as YOLOX gives it; the prior has 4 cells a side.
    np.testing.assert_allclose(offsets[:, :2] * 0.1 * 4 + 0.5, rows[:, :2], atol=2e-3)
    np.testing.assert_allclose(offsets[:, 2:] * 0.2 + np.log(4), rows[:, 2:4], atol=2e-3)
    wanted = rows[:, 4:5] * rows[:, [5 + 0, 5 + 5]]  # an object, and a person or a bus
    assert (wanted > 1e-3).sum() > 10
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), wanted, atol=1e-3)


@real
def test_classes_that_coco_lacks_are_refused():
    with pytest.raises(ValueError, match="unicorn"):
        from_yolox(YOLOX, ("person", "unicorn"), [])


def test_a_file_that_is_no_onnx_is_refused_by_name(tmp_path):
    path = tmp_path / "junk.onnx"
    path.write_bytes(b"not a model at all")
    with pytest.raises(ModelError, match=r"junk\.onnx"):
        from_yolox(path, ("person",), [])


def test_norms_that_are_set_up_change_nothing_in_evaluation_and_normalise_in_training():
    torch.manual_seed(0)
    model = CspSSD(SSDConfig(("a",), (8, 8, 16, 16, 16), (1, 1, 1, 1), 8, architecture="csp-n")).eval()
    pictures = _pictures()
    with torch.no_grad():
        before = model(pictures)
        set_up_norms(model, [pictures])
        after = model(pictures)
        seen: list[torch.Tensor] = []
        norm = model.backbone.stem[1]
        norm.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        model(pictures)
    for was, now in zip(before, after, strict=True):
        torch.testing.assert_close(now, was, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(norm.running_mean, seen[0].mean((0, 2, 3)), atol=1e-2, rtol=1e-3)
