"""Nodes of constants become constants, with the values that the reference gives."""
from __future__ import annotations

import numpy as np
import pytest

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import F32, Builder, Graph, Port, Type, verify
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.concat import Concat
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.ops.transpose import Transpose
from tapeout.compiler.passes.fold_constants import fold_constants
from tapeout.compiler.run import run


def graph(output: str) -> Graph:
    build = Builder()
    build.input("x", Type((3, 2), F32))
    w, v = (build.constant(name, np.arange(6, dtype=np.float32).reshape(2, 3) + i) for i, name in enumerate("wv"))
    build.add(Transpose((1, 0)), [w], "turned")
    build.add(Reshape((3, 2)), [v], "shaped")
    build.add(Add(), ["turned", "shaped"], "sum")
    build.add(Concat(1), ["sum", "turned"], "joined")
    build.add(Concat(1), ["x", "joined"], "y")
    rank = len(build.values[output].type.shape)
    ports = [Port(name, name, "float32", tuple(range(rank))) for name in ("x", output)]
    return verify(Graph("net", (ports[0],), (ports[1],), tuple(build.nodes), build.values))


def test_only_what_depends_on_an_input_is_left() -> None:
    after = verify(fold_constants(graph("y")))
    assert [n.name for n in after.nodes] == ["y"]
    turned = np.arange(6).reshape(2, 3).T
    joined = np.concatenate([turned + np.arange(1, 7).reshape(3, 2), turned], axis=1)
    assert np.array_equal(np.asarray(after.values["joined"].data), joined)
    x = np.ones((2, 3, 2), np.float32)
    assert np.array_equal(run(after, {"x": x})["y"][1], np.concatenate([x[1], joined], axis=1))


def test_a_constant_output_is_refused() -> None:
    with pytest.raises(Unsupported, match="sum: this output is constant"):
        fold_constants(graph("sum"))
