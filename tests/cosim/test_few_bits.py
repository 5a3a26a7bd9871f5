"""Networks of one and few bits through every engine: the whole way from ports to guards, traces and measured bytes."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler import build
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import F32, Builder, FType, Graph, QType, Type
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.dequantize import Dequantize
from tapeout.compiler.ops.quantize import Quantize
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.ops.threshold import Threshold
from tapeout.compiler.run import run
from tapeout.cosim.compare import trace
from tapeout.cosim.engine import Harnessed
from tapeout.cosim.host import HOST_ASAN
from tapeout.cosim.qemu import QEMU
from tapeout.cosim.touched import touched
from tapeout.cosim.vectors import random_inputs
from tapeout.targets import find_target
from tapeout.targets.compiled import Compiled
from tests.cases import make_graph, random_of, rng_for
from tests.layers import BIPOLAR


def thresholds(build: Builder, x: str, output: QType, y: str) -> str:
    """Thresholds for each channel of `x`, every other one falling."""
    type = build.values[x].type
    channels, levels = type.shape[-1], output.max - output.min
    t = rng_for(y).standard_normal((channels, levels)) * (1 if isinstance(type.q, FType) else 4)
    falling = (np.arange(channels) % 2).astype(np.int8)
    rows = np.where(falling[:, None], -np.sort(-t, axis=1), np.sort(t, axis=1)).astype(type.q.dtype)
    constants = build.constant(f"{y}_t", rows), build.constant(f"{y}_falling", falling)
    return build.add(Threshold(output, output.min), [x, *constants], y)


def weights(build: Builder, name: str, shape: tuple[int, ...], q: QType) -> str:
    return build.constant(name, random_of(rng_for(name), shape, q), q)


def binary(port: QType | FType) -> Graph:
    """A convolution and two layers of one bit; `port` is what the input holds."""
    build = Builder()
    x = build.input("x", Type((1, 6, 5, 24), port))
    bits = x if port == BIPOLAR else thresholds(build, x, BIPOLAR, "bits")
    sums = build.add(Conv2D(pads=(1, 1, 1, 1)), [bits, weights(build, "w1", (16, 3, 3, 24), BIPOLAR), ""], "sums1")
    h1 = thresholds(build, sums, BIPOLAR, "h1")
    flat = build.add(Reshape((1, 480)), [h1], "flat")
    sums = build.add(Dense(), [flat, weights(build, "w2", (37, 480), BIPOLAR), ""], "sums2")
    h2 = thresholds(build, sums, BIPOLAR, "h2")
    build.add(Dense(), [h2, weights(build, "w3", (10, 37), BIPOLAR), ""], "sums3")
    build.add(Dequantize(), ["sums3"], "y")
    return make_graph("binary", build, (x,), ("y", "h2"))


def mixed() -> Graph:
    """2-bit layers between floats, and a layer of 16-bit activations beside them."""
    build = Builder()
    x = build.input("x", Type((1, 30), F32))
    build.add(Quantize(QType(2, narrow=True, scale=(0.5,))), [x], "q")
    sums = build.add(Dense(), ["q", weights(build, "w1", (21, 30), QType(2, narrow=True, packed=True)), ""], "sums1")
    h = thresholds(build, sums, QType(2), "h")
    build.add(Dense(), [h, weights(build, "w2", (5, 21), QType(3, packed=True)), ""], "sums2")
    build.add(Dequantize(), ["sums2"], "y")
    build.add(Quantize(QType(16, scale=(2.0**-12,)), Rounding.HALF_UP), [x], "wide")
    build.add(Dense(), ["wide", weights(build, "w3", (9, 30), QType(16)), ""], "sums3")
    tables = build.constant("mul", np.array([(1 << 20) - 1], np.int32)), build.constant("shift", np.array([35], np.int8))
    build.add(Requant(QType(16), Rounding.HALF_EVEN, -32768, 32767), ["sums3", *tables], "h3")
    build.add(Dense(), ["h3", weights(build, "w4", (3, 9), QType(5, packed=True)), ""], "sums4")
    build.add(Dequantize(), ["sums4"], "z")
    return make_graph("mixed", build, (x,), ("y", "z"))


@pytest.mark.parametrize("graph", [binary(F32), binary(BIPOLAR), mixed()], ids=["floats_to_bits", "bits", "mixed"])
def test_engines_equal_the_reference(graph: Graph, tmp_path: Path) -> None:
    lowered = build.lower(graph)
    assert not any(isinstance(n.op, Threshold) and not isinstance(lowered.types(n)[0].q, FType) for n in lowered.nodes)  # type: ignore[union-attr]  # no input is absent
    compiled, firmware = (Compiled.write(tmp_path / name, "net", find_target(name), lowered) for name in ("c", "cortex-m4"))
    inputs = random_inputs(lowered, 24, seed=1)
    expected = run(graph, inputs)
    for found in (HOST_ASAN.run(compiled, inputs), QEMU.run(firmware, inputs)):
        for name, array in expected.items():
            np.testing.assert_array_equal(found[name], array)
    assert isinstance(HOST_ASAN, Harnessed)
    assert touched(HOST_ASAN.machine, compiled, inputs).holds
    steps = run(lowered, inputs, keep=True)
    for name, array in trace(HOST_ASAN.machine, compiled, inputs).items():
        np.testing.assert_array_equal(array, steps[name], err_msg=name)
