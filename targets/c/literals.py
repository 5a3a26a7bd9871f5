"""C text of numbers, types and lists."""
from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

import numpy as np

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.fixed import INT32_MAX, INT32_MIN, Rounding
from tapeout.compiler.ir import BF16, F16, Array, Param, QType, Type

C_TYPES = {
    "int8": "int8_t", "uint8": "uint8_t", "int16": "int16_t", "uint16": "uint16_t", "int32": "int32_t", "uint32": "uint32_t",
    "int64": "int64_t", "float32": "float", "float16": "uint16_t", "bfloat16": "uint16_t",
}  # fmt: skip


def c_type(type: Type) -> str:
    return "uint8_t" if packed(type) else C_TYPES[type.q.dtype.name]


def packed(type: Type) -> bool:
    return isinstance(type.q, QType) and type.q.packed


def literal(value: Param) -> str:
    """A parameter as C text; floats that are no small integers in hexadecimal, so that no digit is lost.

    Raises Unsupported for NaN and for an integer beyond 32 bits.
    """
    if isinstance(value, Rounding):
        return f"ROUND_{value.name}"
    if isinstance(value, tuple):
        return "{" + ", ".join(map(literal, value)) + "}"
    if isinstance(value, float):
        if math.isnan(value):
            raise Unsupported("a parameter is NaN")
        if math.isinf(value):
            return "INFINITY" if value > 0 else "-INFINITY"
        if value == int(value) and abs(value) < 1 << 24:
            return f"{value:.1f}f"
        return re.sub(r"\.?0*p", "p", float(np.float32(value)).hex()) + "f"
    if not INT32_MIN <= value <= INT32_MAX:
        raise Unsupported(f"a parameter is {value}, beyond the 32 bits of the kernels")
    return "(-2147483647 - 1)" if value == INT32_MIN else str(int(value))


def elements(array: Array) -> str:
    """The elements of a constant as lines of C initialisers; 16-bit floats as their bits."""
    array = array.view(np.uint16) if array.dtype in (F16.dtype, BF16.dtype) else array
    texts = list(map(_LITERALS.get(array.dtype.name, literal), array.ravel().tolist()))
    return "".join(f"    {', '.join(texts[i:i + 16])},\n" for i in range(0, len(texts), 16))


def _wide_literal(value: int) -> str:
    """A 64-bit integer as C text."""
    return "INT64_MIN" if value == -(1 << 63) else f"INT64_C({value})"


_LITERALS: dict[str, Callable[[int], str]] = {"int64": _wide_literal, "uint32": "{:#010x}u".format, "uint16": "{:#06x}".format}


def initialisers(fields: Mapping[str, Param]) -> str:
    """The initialisers of a parameter struct; the fields of a member, `window.in_h`, stand together in its braces."""
    lines = []
    for member, keys in groupby(fields, lambda key: key.rpartition(".")[0]):
        texts = [f".{key.rpartition('.')[2]} = {literal(fields[key])}" for key in keys]
        if member:
            first = f"    .{member} = {{"
            lines.append(f"{wrapped(texts, first, ' ' * len(first))}}},")
        else:
            lines.append(f"{wrapped(texts, '    ', '    ')},")
    return "\n".join(lines)


def wrapped(texts: Sequence[str], first: str, others: str) -> str:
    """Texts with commas between them, in lines of at most 120 columns that begin with `first`, then `others`."""
    lines, line = [], first
    for i, text in enumerate(texts):
        piece = text if i + 1 == len(texts) else f"{text},"
        if len(line) + 1 + len(piece) > 120 and line not in (first, others):
            lines.append(line)
            line = others
        line += piece if line in (first, others) else f" {piece}"
    return "\n".join([*lines, line])
