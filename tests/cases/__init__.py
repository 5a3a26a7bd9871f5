"""The cases of the matrix op x target x type: small graphs, one file of them per op.

`tests/cases/<op>.py` holds `CASES`, a list of `Case`. Tests run every case through the reference and
through the code of a target and compare the bits. To add an op, add its file; it is found by its name.
"""
from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tapeout.compiler.fixed import multiplier
from tapeout.compiler.gradient import LayerGradient
from tapeout.compiler.ir import BF16, F16, F32, Array, Builder, FType, Graph, Op, Port, QType, Type, verify
from tapeout.compiler.ops.bias_gradient import BiasGradient
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.goodness_update import GoodnessUpdate
from tapeout.compiler.ops.mean_squared_error import MeanSquaredError
from tapeout.compiler.ops.softmax_cross_entropy import SoftmaxCrossEntropy

FOLDER = Path(__file__).parent
RANDOM_SAMPLES = 4
FLOAT32_ALONE = ("embed_label", "goodness_loss")  # what else there is of forward-only training hands them float32
KEPT_FLOAT32: dict[type[Op], dict[int, FType]] = {MeanSquaredError: {1: F32}, SoftmaxCrossEntropy: {1: F32}, GoodnessUpdate: {4: F32}}
TOLERANCES = {"_f32_fma": 0.0, "_f16": 2e-3, "_bf16": 2e-2, "_f16_fma": 1e-2}  # added for what 16 bits lose
Real = Callable[..., Array]


@dataclass(frozen=True)
class Case:
    """A graph to run on every target, most often of one node.

    `real` computes the node's first output from its inputs in float64: the inputs come dequantized,
    (N, *shape) or (*shape) for constants; absent ones are empty. It may leave clipping to the range of the codes out.
    `tolerance` is what the reference may be off: in codes of the output, or relative to the largest real for floats.
    `finite` leaves infinities and NaN out of the samples, for ops that do not take them.
    """

    name: str  # a C identifier that begins with the op's name
    graph: Graph
    real: Real | None = None
    tolerance: float = 1.0
    finite: bool = False

    @property
    def op(self) -> str:
        return self.graph.nodes[-1].op.name()


@dataclass(frozen=True)
class Input:
    """An operand that is fed: a type and a name."""

    shape: tuple[int, ...]
    q: QType | FType = F32


@dataclass(frozen=True)
class Constant:
    """An operand that is part of the graph."""

    data: Array
    q: QType | FType | None = None


Operand = Input | Constant | None


def quantized(scale: float = 0.05, zero: int = 3, bits: int = 8, signed: bool = True) -> QType:
    """A format of codes with one scale."""
    return QType(bits, signed, (scale,), (zero,))


def one_node(name: str, op: Op, *operands: Operand, outputs: int = 1) -> Graph:
    """A graph of one node: inputs `x0`, `x1`, ..., constants `c1`, ..., outputs `y0`, ... by operand number."""
    builder = Builder()
    names = []
    for i, operand in enumerate(operands):
        if operand is None:
            names.append("")
        elif isinstance(operand, Input):
            names.append(builder.input(f"x{i}", Type(operand.shape, operand.q)))
        else:
            names.append(builder.constant(f"c{i}", operand.data, operand.q))
    fed = tuple(n for n in names if n.startswith("x"))
    results = tuple(f"y{i}" for i in range(outputs))
    builder.add(op, names, *results)
    return make_graph(name, builder, fed, results)


def make_graph(name: str, builder: Builder, inputs: Sequence[str], outputs: Sequence[str]) -> Graph:
    """The verified graph of what the builder collected, all values in the source's own layout."""

    def port(value: str) -> Port:
        known = builder.values[value].type
        return Port(value, value, known.q.dtype.name, tuple(range(len(known.shape))))

    return verify(Graph(name, tuple(map(port, inputs)), tuple(map(port, outputs)), tuple(builder.nodes), builder.values))


def rng_for(name: str) -> np.random.Generator:
    """A generator of numbers that depend on the name alone."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def random_of(rng: np.random.Generator, shape: tuple[int, ...], q: QType) -> Array:
    """Codes of a format, all of them alike likely."""
    return rng.integers(q.min, q.max + 1, shape).astype(q.dtype)


def random_codes(rng: np.random.Generator, shape: tuple[int, ...], lo: int = -127, hi: int = 127, dtype: str = "int8") -> Array:
    return rng.integers(lo, hi + 1, shape).astype(dtype)


def random_floats(rng: np.random.Generator, shape: tuple[int, ...], scale: float = 1.0) -> Array:
    return (rng.standard_normal(shape) * scale).astype(np.float32)


def scaling(reals: Sequence[float]) -> tuple[Constant, Constant]:
    """The `mul` and `shift` operands for these real multipliers."""
    pairs = [multiplier(r) for r in reals]
    return Constant(np.array([m for m, _ in pairs], np.int32)), Constant(np.array([s for _, s in pairs], np.int8))


def samples(case: Case) -> dict[str, Array]:
    """Inputs (N, *shape) by value name: `RANDOM_SAMPLES` random ones, then one for each corner, then mixed corners."""
    rng = rng_for(case.name)
    feeds = {}
    for name in case.graph.input_names:
        known = case.graph.values[name].type
        corners = float_corners(case.finite, known.q) if isinstance(known.q, FType) else code_corners(known.q)
        shape = known.shape
        random = random_floats(rng, (RANDOM_SAMPLES, *shape)) if isinstance(known.q, FType) else random_codes(
            rng, (RANDOM_SAMPLES, *shape), max(known.q.min, -(1 << 24)), min(known.q.max, 1 << 24), known.q.dtype.name)
        constant = np.broadcast_to(corners.reshape(-1, *[1] * len(shape)), (len(corners), *shape))
        mixed = rng.choice(corners, (2, *shape))
        parts = [random, constant, mixed]
        if known.q in (F16, BF16):
            parts += [random_floats(rng, (2, *shape), 2.0**-16), random_floats(rng, (1, *shape), 100.0)]  # subnormal sums and large ones
        with np.errstate(over="ignore"):
            feeds[name] = np.concatenate(parts).astype(known.q.dtype)
    return align(feeds)


def align(feeds: dict[str, Array]) -> dict[str, Array]:
    """As many samples of every input, the short ones repeated."""
    count = max((len(a) for a in feeds.values()), default=1)
    return {n: np.ascontiguousarray(np.resize(a, (count, *a.shape[1:]))) for n, a in feeds.items()}


def code_corners(q: QType) -> Array:
    """The codes at which integer kernels go wrong; 32-bit ones stay where sums of two cannot overflow."""
    lo, hi = (q.min, q.max) if q.bits <= 16 else (-(1 << 24), 1 << 24)
    return np.array(sorted({lo, lo + 1, hi, hi - 1, q.zero[0], 0}), np.int64)


def float_corners(finite: bool, q: FType = F32) -> Array:
    values = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 87.0, -104.0, 1e-3]
    values += [-1e4, 65504.0, 2.0**-24, -3 * 2.0**-24, 2.0**-14] if q == F16 else [-1e30, 1e30, 3e38, 1e-40, -1e-45, 1.17549435e-38]
    return np.array(values if finite else [*values, np.inf, -np.inf, np.nan], np.float32)


def cases_of(op: str) -> list[Case]:
    """The cases of one op, by its name: those of its file, and of those that compute in float32 throughout their twins in 16 bits and
    with fused sums."""
    found: list[Case] = importlib.import_module(f"{__name__}.{op}").CASES
    if op in FLOAT32_ALONE:
        return found
    return [*found, *(twin for case in found if all(v.type.q == F32 for v in case.graph.values.values()) for twin in twins(case))]


def twins(case: Case) -> list[Case]:
    """A case of one float32 node in 16 bits and, where it sums products, by the contracts of fused sums."""
    op, found = case.graph.nodes[0].op, [in_format(case, q) for q in (F16, BF16)]
    if isinstance(op, Conv2D | DepthwiseConv2D | Dense | LayerGradient | BiasGradient):
        found.append(in_format(case, F16, replace(op, accumulator=F16)))
    if isinstance(op, Conv2D | DepthwiseConv2D | Dense | LayerGradient):
        found.append(in_format(case, F32, replace(op, fused=True)))
    return found


def in_format(case: Case, q: FType, fused: Op | None = None) -> Case:
    """A case of one float32 node in another format, or by the op that is `fused`. Operands of `KEPT_FLOAT32` stay so."""
    (node,) = case.graph.nodes
    op = fused or node.op
    kept = {2: op.accumulator} if isinstance(op, Conv2D | DepthwiseConv2D | Dense) else KEPT_FLOAT32.get(type(op), {})
    builder = Builder()
    for i, name in enumerate(dict.fromkeys(n for n in node.inputs if n)):
        value = case.graph.values[name]
        format = kept.get(i, q)
        if value.data is None:
            builder.input(name, replace(value.type, q=format))
        else:
            builder.constant(name, value.data, format)
    builder.add(op, node.inputs, *node.outputs)
    suffix = f"_{q.code}{'_fma' if fused else ''}"
    name = case.name.replace("_f32", suffix) if "_f32" in case.name else case.name + suffix
    graph = make_graph(name, builder, case.graph.input_names, case.graph.output_names)
    return replace(case, name=name, graph=graph, tolerance=case.tolerance + TOLERANCES[suffix])


def ops_with_cases() -> list[str]:
    return sorted(p.stem for p in FOLDER.glob("*.py") if p.stem != "__init__")


def all_cases() -> list[Case]:
    return [case for op in ops_with_cases() for case in cases_of(op)]
