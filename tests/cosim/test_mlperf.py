"""The MLPerf Tiny networks as C on the host: equal to the reference, and their arenas are as planned."""
from __future__ import annotations

from pathlib import Path

import pytest

from tapeout.compiler.build import lower
from tapeout.compiler.frontends.tflite import read_tflite
from tapeout.compiler.run import run
from tapeout.cosim.compare import compare
from tapeout.cosim.host import HOST, HOST_ASAN, Host
from tapeout.cosim.touched import touched
from tapeout.cosim.vectors import random_inputs

from .nets import compiled

ARENA_BYTES = {"ic_resnet8": 49152, "kws_dscnn": 16000, "vww_mobilenet96": 55296, "ad_autoencoder": 768}


@pytest.mark.parametrize("name", ARENA_BYTES)
def test_equal_and_as_planned(name: str, zoo: Path, tmp_path: Path) -> None:
    model = compiled(lower(read_tflite(zoo / "mlperf_tiny" / f"{name}_int8.tflite", {})), tmp_path / "net")
    inputs = random_inputs(model.graph, 8, seed=5)
    reference = run(model.graph, inputs)
    for engine in (HOST, HOST_ASAN):
        assert compare(reference, engine.run(model, inputs), model.graph).differ == 0
    found = touched(Host(), model, {key: samples[-1:] for key, samples in inputs.items()})
    assert found.text() == f"{found.bytes} bytes written, as planned"
    assert found.end == model.plan.arena_bytes == ARENA_BYTES[name]
