"""Random networks on the whole way: reader, passes, quantizer, text, memory plan and C, each against what it must equal."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from tapeout.compiler import text
from tapeout.compiler.buffers import Inputs
from tapeout.compiler.build import lower
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.frontends.onnx import read_onnx
from tapeout.compiler.ir import Array, Graph
from tapeout.compiler.run import run
from tapeout.compiler.views import views
from tapeout.cosim.compare import compare
from tapeout.cosim.host import HOST, HOST_ASAN, Host
from tapeout.cosim.touched import touched
from tapeout.cosim.vectors import random_inputs
from tapeout.quant.options import Calibration
from tapeout.targets import find_target
from tapeout.targets.compiled import Compiled
from tapeout.targets.strips import Arrangement, arrange

from .quant.integers import integers
from .random_nets import random_model, samples

SEEDS = [*range(10), 1142, *(pytest.param(s, marks=pytest.mark.long) for s in range(10, 200))]
OPTIONS = tuple((c, s, i) for c in (Calibration.MINMAX, Calibration.MSE) for s in (False, True) for i in (False, True))


@pytest.fixture(params=SEEDS)
def seed(request: pytest.FixtureRequest) -> int:
    chosen: int = request.param
    return chosen


def test_float_network(seed: int, tmp_path: Path) -> None:
    model = random_model(seed)
    graph = read(model, tmp_path)
    arrays = samples(model, 4, seed)
    assert_near_onnxruntime(model, lower(graph), arrays)
    assert_passes_keep(graph, arrays)
    assert_c_equals(lower(graph), seed, tmp_path)


def test_quantized_network(seed: int, tmp_path: Path) -> None:
    model = random_model(seed)
    graph = read(model, tmp_path)
    try:
        integer = integers(graph, feed(graph, samples(model, 8, seed)), *OPTIONS[seed % len(OPTIONS)])
    except TapeoutError as error:
        # A sum that cancels to the rounding of floats has a range for which no 8-bit scale is fine enough; softmax has one format.
        assert "sums leave 32 bits" in str(error) or "pads with" in str(error), error
        return
    codes = random_inputs(integer, 24, seed)
    assert_passes_keep(integer, {p.name: p.to_source(codes[p.value]) for p in integer.inputs})
    assert_c_equals(lower(integer), seed, tmp_path)


def read(model: onnx.ModelProto, folder: Path) -> Graph:
    path = folder / "random.onnx"
    onnx.save(model, path)
    return read_onnx(path, {})


def feed(graph: Graph, arrays: dict[str, Array]) -> dict[str, Array]:
    """Arrays in the model's layout by its names as samples of the graph, which may hold them in another."""
    return {p.value: p.from_source(arrays[p.name]) for p in graph.inputs}


def assert_near_onnxruntime(model: onnx.ModelProto, graph: Graph, arrays: dict[str, Array]) -> None:
    """Each output within 1e-5 of its largest element, or within 1e-5 where that is below 1, since sums may cancel."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    outputs = run(graph, feed(graph, arrays))
    for sample in range(len(next(iter(arrays.values())))):
        expected = session.run([p.name for p in graph.outputs], {name: array[sample] for name, array in arrays.items()})
        for port, array in zip(graph.outputs, expected, strict=True):
            found = port.to_source(outputs[port.value])[sample]
            bound = 1e-5 * max(1.0, float(np.abs(array).max()))
            np.testing.assert_allclose(found, array, rtol=0, atol=bound, err_msg=port.name, strict=True)


def assert_passes_keep(graph: Graph, arrays: dict[str, Array]) -> None:
    """No pass changes a bit of an output, save the folding of float factors, which rounds anew."""
    before = graph

    def check(name: str, after: Graph) -> None:
        nonlocal before
        first, second = run(before, feed(before, arrays)), run(after, feed(after, arrays))
        for old, new in zip(before.outputs, after.outputs, strict=True):
            if name != "fold_batch_norm":
                assert old.to_source(first[old.value]).tobytes() == new.to_source(second[new.value]).tobytes(), f"{name} changes {old.name}"
        before = after

    lower(graph, dump=check)


def assert_c_equals(graph: Graph, seed: int, folder: Path) -> None:
    """Text and back is the same graph; its C equals the reference in every bit, and its memory is what was planned."""
    text.save(graph, folder)
    assert text.format(text.load(folder)) == text.format(graph)
    given_back = any(views(graph).root(port.value)[0] in graph.input_names for port in graph.outputs)  # which lies in the arena
    where = Inputs.KEPT if given_back else tuple(Inputs)[seed % 3]
    arranged = Arrangement(find_target("c"), text.load(folder), inputs=where)
    compiled = Compiled.write_arranged(folder / "c", "random", arrange(arranged) if seed % 2 else arranged)
    inputs = random_inputs(graph, 12, seed)
    reference = run(graph, inputs)
    for engine in (HOST, HOST_ASAN):
        comparison = compare(reference, engine.run(compiled, inputs), graph)
        assert comparison.differ == 0, comparison.text(engine.name)
    found = touched(Host(), compiled, inputs)
    assert found.holds, found.text()
