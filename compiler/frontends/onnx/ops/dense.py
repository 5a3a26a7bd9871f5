"""Gemm and MatMul with constant weights."""
from __future__ import annotations

import numpy as np

from ....errors import TapeoutError
from ....ir import Array
from ....ops.add import Add
from ....ops.dense import Dense
from ..call import Call
from ..importer import Axes, Importer


def Gemm(importer: Importer, call: Call) -> None:
    """`alpha * A @ B + beta * C` with constant B; alpha and beta go into the constants, rounded once."""
    a, b, c = call.required(0), importer.weights(call, 1), call.input(2)
    alpha, beta = call.number("alpha", 1.0), call.number("beta", 1.0)
    shape = importer.shape(a)
    if len(shape) != 2 or b.ndim != 2:
        raise TapeoutError(f"{call.name}: Gemm takes matrices, got shapes {shape} and {b.shape}")
    order: Axes = (1, 0) if call.integer("transA", 0) else (0, 1)
    w = b if call.integer("transB", 0) else b.T
    operands = [importer.value(a, order), _weights(importer, call.inputs[1], alpha, transposed=not call.integer("transB", 0))]
    rows = (0, 1)
    row = _row(importer, call, len(w))
    if row is not None:
        importer.define(call.output, Dense(), [*operands, _bias(importer, c, row, beta)], rows)
    elif not c:
        importer.define(call.output, Dense(), [*operands, ""], rows)
    elif beta != 1.0:
        call.refuse(f"beta {beta} with a C that is no constant row is not supported")
    else:
        product = importer.step(f"{call.output}_product", Dense(), [*operands, ""])
        matrix = (1,) * (2 - importer.rank(c)) + importer.shape(c)
        importer.define(call.output, Add(), [product, importer.value(c, rows, matrix)], rows)


def _row(importer: Importer, call: Call, columns: int) -> Array | None:
    """C as a bias (columns), None when it is absent, computed, or differs from row to row."""
    if call.input(2) not in importer.constants:
        return None
    c = importer.weights(call, 2)
    if c.ndim > 2 or (c.ndim == 2 and c.shape[0] != 1):
        return None
    return np.broadcast_to(c.reshape(-1), (columns,))


def MatMul(importer: Importer, call: Call) -> None:
    """A product with a constant matrix on the right."""
    a, w = call.required(0), importer.weights(call, 1)
    rank = importer.rank(a)
    if w.ndim != 2 or rank < 1 or a in importer.constants:
        call.refuse(f"operands of shapes {importer.shape(a)} and {w.shape}; only a constant matrix on the right is supported")
    axes = importer.axes_with_last(a, rank - 1)
    importer.define(call.output, Dense(), [importer.value(a, axes), _weights(importer, call.inputs[1], 1.0, transposed=True), ""], axes)


def _weights(importer: Importer, name: str, factor: float, transposed: bool) -> str:
    if factor == 1.0:
        return importer.stored(name, lambda array: array.T if transposed else array)
    array = importer.constants[name]
    return importer.store(name, _scaled(array.T if transposed else array, factor))


def _bias(importer: Importer, name: str, row: Array, factor: float) -> str:
    if factor == 1.0 and importer.constants[name].size == len(row):
        return importer.stored(name, lambda array: array.reshape(-1))
    return importer.store(name, _scaled(row, factor))


def _scaled(array: Array, factor: float) -> Array:
    return array if factor == 1.0 else (array.astype(np.float64) * factor).astype(np.float32)
