"""Ports of codes where floats were converted behind or before them, and nothing else."""
from __future__ import annotations

import numpy as np
import pytest

from tapeout.compiler.ir import F32, Builder, Graph, Port, QType, Type, verify
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.dequantize import Dequantize
from tapeout.compiler.ops.quantize import Quantize
from tapeout.compiler.passes.expose_codes import expose_codes
from tapeout.compiler.run import run

CODES = QType(8, True, (0.5,), (3,))


def network(*outputs: str) -> Graph:
    """x is quantized and clipped; a and b are the reals of the clipped codes, c those of the input's."""
    build = Builder()
    build.input("x", Type((1, 4), F32))
    codes = build.add(Quantize(CODES), ("x",), "x_q")
    low = build.add(Clip(-10, 10), (codes,), "low")
    for name, source in (("a", low), ("b", low), ("c", codes)):
        if name in outputs:
            build.add(Dequantize(), (source,), name)
    ports = [Port(n, n, "float32", (0, 1)) for n in ("x", *outputs)]
    return verify(Graph("net", (ports[0],), tuple(ports[1:]), tuple(build.nodes), build.values))


@pytest.mark.parametrize("outputs", [("a",), ("a", "b"), ("c",), ("a", "b", "c")], ids=" ".join)
def test_ports_hold_the_codes_that_floats_stood_for(outputs: tuple[str, ...]) -> None:
    """Also where several ports hold the same ones, and where an output holds the input's."""
    before = network(*outputs)
    after = verify(expose_codes(before))
    assert all(port.name in outputs and after.values[port.value].type.q == CODES for port in after.outputs)
    assert not [n for n in after.nodes if isinstance(n.op, Quantize | Dequantize)]
    codes = np.arange(-128, 128, dtype=np.int8).reshape(-1, 1, 4)
    reals = run(before, {"x": (codes.astype(np.float32) - 3) * 0.5})
    found = run(after, {"x": codes})
    for old, new in zip(before.outputs, after.outputs, strict=True):
        assert np.array_equal(reals[old.value], (found[new.value].astype(np.float32) - 3) * 0.5)


def test_an_input_that_two_nodes_read_stays_float() -> None:
    build = Builder()
    build.input("x", Type((1, 4), F32))
    first = build.add(Quantize(CODES), ("x",), "first")
    build.add(Quantize(CODES), ("x",), "second")
    build.add(Dequantize(), (first,), "y")
    build.add(Dequantize(), ("second",), "z")
    ports = [Port(n, n, "float32", (0, 1)) for n in "xyz"]
    after = expose_codes(verify(Graph("net", (ports[0],), tuple(ports[1:]), tuple(build.nodes), build.values)))
    assert after.values["x"].type.q == F32 and after.values[after.outputs[0].value].type.q == CODES
