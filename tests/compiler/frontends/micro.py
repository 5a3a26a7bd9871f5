"""Small .tflite files, run by TensorFlow Lite Micro's interpreter and by the reference, to be compared byte for byte."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tflite
from tflite_micro.python.tflite_micro import runtime

from tapeout.compiler.frontends import read
from tapeout.compiler.ir import Array, Graph, Type
from tapeout.compiler.run import run
from tests.tflite_writer import Operator, Tensor, write

SAMPLES = 6


def model(
    op: str, inputs: Sequence[Tensor | None], output: Tensor, options: str = "", **fields: float | Sequence[int]
) -> bytes:
    """A file with one operator; its inputs without data are the model's, absent ones are left out."""
    present = [t for t in inputs if t is not None]
    operator = Operator(getattr(tflite.BuiltinOperator, op), tuple(t.name for t in present), (output.name,), options, fields)
    return write([*present, output], [operator], [t.name for t in present if t.data is None], [output.name])


def int8(name: str, shape: Sequence[int], scale: float = 0.05, zero: int = 3) -> Tensor:
    return Tensor(name, tuple(shape), "int8", (scale,), (zero,))


def float32(name: str, shape: Sequence[int]) -> Tensor:
    return Tensor(name, tuple(shape), "float32")


def constant(name: str, data: npt.ArrayLike, dtype: str, scale: Sequence[float] = (), zero: Sequence[int] = (), axis: int = 0) -> Tensor:
    array = np.asarray(data, dtype)
    return Tensor(name, array.shape, dtype, tuple(scale), tuple(zero), axis, array)


def random_codes(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).integers(-127, 128, shape).astype(np.int8)


def parse(path: Path, data: bytes, shapes: Mapping[str, tuple[int, ...]] | None = None) -> Graph:
    """The graph that a file with these bytes is read as."""
    path.write_bytes(data)
    return read(path, shapes or {})


def feeds(graph: Graph, seed: int = 0, samples: int = SAMPLES) -> dict[str, Array]:
    """Inputs by value name: the lowest and the highest codes, both mixed, all in order, then random ones;
    normal reals for floats, one sample of them whole quarters."""
    rng = np.random.default_rng(seed)

    def feed(type: Type) -> Array:
        if type.q.dtype.kind == "f":
            reals: Array = rng.normal(0, 3, (samples, *type.shape)).astype(np.float32)
            reals[0] = np.round(4 * reals[0]) / 4
            return reals
        low, high = type.quantized.min, type.quantized.max
        x: Array = rng.integers(low, high + 1, (samples, *type.shape)).astype(type.q.dtype)
        x[0], x[1] = low, high
        x[2] = rng.choice([low, high], type.shape)
        x[3] = np.resize(np.arange(low, high + 1), type.shape)
        return x

    return {name: feed(graph.values[name].type) for name in graph.input_names}


def interpret(data: bytes, inputs: Mapping[str, Array], outputs: int = 1) -> list[Array]:
    """What TensorFlow Lite Micro's portable kernels give for samples, inputs in the file's order."""
    interpreter = runtime.Interpreter.from_bytes(data, arena_size=len(data) * 10 + (1 << 20))
    results: list[list[Any]] = [[] for _ in range(outputs)]
    for row in zip(*inputs.values(), strict=True):
        for i, array in enumerate(row):
            interpreter.set_input(array, i)
        interpreter.invoke()
        for i in range(outputs):
            results[i].append(interpreter.get_output(i).copy())
    return [np.stack(r) for r in results]


def assert_equal(path: Path, data: bytes, tolerance: float = 0.0) -> Graph:
    """Reads the file and compares the reference with the interpreter: every byte, or floats within a part of the largest."""
    graph = parse(path, data)
    inputs = feeds(graph)
    got = run(graph, inputs)
    for port, expected in zip(graph.outputs, interpret(data, inputs, len(graph.outputs)), strict=True):
        array = got[port.value]
        assert array.shape == expected.shape and array.dtype == expected.dtype
        if tolerance:
            allowed = tolerance * max(1e-3, float(np.abs(expected).max()))
            assert (np.abs(array - expected) <= allowed).all(), f"off by {np.abs(array - expected).max()}"
        else:
            differ = int((array != expected).sum())
            assert differ == 0, f"{differ} / {array.size} elements differ"
    return graph
