"""Layers and their gradients on random shapes, in every format and contract of sums, as one C program of many calls."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import BF16, F16, F32, Array, FType, Op, Type
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.conv2d_input_gradient import Conv2dInputGradient
from tapeout.compiler.ops.conv2d_weight_gradient import Conv2dWeightGradient
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.dense_input_gradient import DenseInputGradient
from tapeout.compiler.ops.dense_weight_gradient import DenseWeightGradient
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.depthwise_conv2d_input_gradient import DepthwiseConv2dInputGradient
from tapeout.compiler.ops.depthwise_conv2d_weight_gradient import DepthwiseConv2dWeightGradient
from tapeout.compiler.window import Window
from tapeout.targets.c.literals import initialisers
from tests.cases import rng_for

FAMILIES = ("conv2d", "depthwise", "pointwise", "dense")
CAPACITY = 1 << 14  # bytes that hold any operand

_MAIN = """\
#include <stdint.h>
#include <stdio.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif
%s
static uint8_t memory[4][%d] __attribute__((aligned(16)));

/* Makes the first bytes of an operand's memory those that may be touched. */
static uint8_t *operand(int which, int32_t size)
{
    ASAN_UNPOISON_MEMORY_REGION(memory[which], sizeof memory[which]);
    ASAN_POISON_MEMORY_REGION(memory[which] + size, sizeof memory[which] - (size_t)size);
    return memory[which];
}

static int take(FILE *in, int which, int32_t size)
{
    return size == 0 || fread(operand(which, size), 1, (size_t)size, in) == (size_t)size;
}

%s
int main(void)
{
    FILE *in = fopen("inputs.bin", "rb");
    FILE *out = fopen("outputs.bin", "wb");
    if (!in || !out) {
        return 1;
    }
%s    return fclose(in) | fclose(out);
}
"""

_GROUP = """\
static const {symbol}_params params_{number}[] = {{
{params}
}};
static const int32_t sizes_{number}[][4] = {{
{sizes}
}};

static int run_{number}(FILE *in, FILE *out)
{{
    for (size_t i = 0; i < sizeof sizes_{number} / sizeof *sizes_{number}; i++) {{
        const int32_t *size = sizes_{number}[i];
        if (!take(in, 0, size[0]) || !take(in, 1, size[1]) || !take(in, 2, size[2])) {{
            return 2;
        }}
        uint8_t *y = operand(3, size[3]);
        {symbol}(&params_{number}[i], (const void *)memory[0], (const void *)memory[1], {bias}(void *)y);
        fwrite(y, 1, (size_t)size[3], out);
    }}
    return 0;
}}
"""


@dataclass(frozen=True)
class Form:
    """A format of elements and a contract of sums, by the end of its kernels' names; `error` bounds a result's distance from the exact one,
    as a part of the sum of its products' magnitudes."""

    name: str
    q: FType
    accumulator: FType
    fused: bool
    error: float


FORMS = (
    Form("f32", F32, F32, False, 2e-6),
    Form("f32_fma", F32, F32, True, 2e-6),
    Form("f16", F16, F32, False, 5.1e-4),
    Form("f16_fma", F16, F16, False, 6e-3),
    Form("bf16", BF16, F32, False, 4e-3),
)


@dataclass(frozen=True)
class Layer:
    """A layer by chance: its op, and the shapes of its input, weights and output; `groups` counts those of conv2d."""

    op: Conv2D | DepthwiseConv2D | Dense
    x: tuple[int, ...]
    w: tuple[int, ...]
    y: tuple[int, ...]
    bias: bool


@dataclass(frozen=True)
class Call:
    """A kernel's call: an op on operands, among which an empty array is absent."""

    op: Op
    types: tuple[Type | None, ...]
    arrays: tuple[Array, ...]

    @property
    def symbol(self) -> str:
        return self.op.symbol(self.types)

    def reference(self) -> Array:
        with np.errstate(all="ignore"):
            fed = 2 if "weight_gradient" in self.symbol else 1  # operands that are no constants
            found: Array = self.op.ref(self.types, *(a[None] for a in self.arrays[:fed]), *self.arrays[fed:])[0]
        return np.asarray(found[0])


def layer(family: str, rng: np.random.Generator) -> Layer:
    """Strides to 3, dilation to 2, uneven pads, odd sizes; single elements too."""
    while True:
        images, height, width, k_h, k_w = (int(n) for n in rng.integers((1, 1, 1, 1, 1), (3, 10, 10, 5, 5)))
        stride, dilation, pads = rng.integers(1, 4, 2).tolist(), rng.integers(1, 3, 2).tolist(), rng.integers(0, 3, 4).tolist()
        inputs, outputs, groups = (int(n) for n in rng.integers((1, 1, 1), (6, 10, 4)))
        bias = bool(rng.random() < 0.6)
        if family == "dense":
            rows, inputs = int(rng.integers(1, 5)), int(rng.integers(1, 40))
            return Layer(Dense(), (rows, inputs), (outputs, inputs), (rows, outputs), bias)
        if family == "pointwise":
            k_h, k_w, groups, dilation, pads = 1, 1, 1, [1, 1], [0, 0, 0, 0]
        window = Window((k_h, k_w), tuple(stride), tuple(dilation), tuple(pads))
        try:
            out = window.output(height, width)
        except TapeoutError:
            continue
        geometry = window.stride, window.dilation, window.pads
        if family == "depthwise":
            channels = inputs * groups  # so many channels, of which each input channel has `groups`
            op = DepthwiseConv2D(*geometry)
            return Layer(op, (images, height, width, inputs), (k_h, k_w, channels), (images, *out, channels), bias)
        w = (outputs * groups, k_h, k_w, inputs)
        return Layer(Conv2D(*geometry, groups), (images, height, width, inputs * groups), w, (images, *out, w[0]), bias)


def directions(chosen: Layer, form: Form) -> tuple[Op, Op, Op]:
    """The layer, the gradient of its weights and that of its input, with the sums of a form."""
    op, sums = chosen.op, {"accumulator": form.accumulator, "fused": form.fused}
    forward = replace(op, accumulator=form.accumulator, fused=form.fused)
    if isinstance(op, Dense):
        return forward, DenseWeightGradient(**sums), DenseInputGradient(**sums)  # type: ignore[arg-type]
    w, x = Type(chosen.w, form.q), Type(chosen.x, form.q)
    window = op.window((x, w))
    if isinstance(op, DepthwiseConv2D):
        size = (x.shape[1], x.shape[2], x.shape[3])
        back = DepthwiseConv2dInputGradient(size, op.stride, op.dilation, op.pads, **sums)  # type: ignore[arg-type]
        return forward, DepthwiseConv2dWeightGradient(window, **sums), back  # type: ignore[arg-type]
    back_ = Conv2dInputGradient((x.shape[1], x.shape[2]), op.stride, op.dilation, op.pads, op.groups, **sums)  # type: ignore[arg-type]
    return forward, Conv2dWeightGradient(window, op.groups, **sums), back_  # type: ignore[arg-type]


def calls(family: str, form: Form, count: int) -> tuple[list[Layer], list[list[Call]]]:
    """`count` layers and the calls of their three directions, on operands of sizes that now and then are subnormal or large in f16."""
    rng, layers, found = rng_for(f"{family} by chance"), [], []
    for _ in range(count):
        chosen = layer(family, rng)
        scale = rng.choice([1.0, 1.0, 1.0, 2.0**-9, 8.0])
        shapes = chosen.x, chosen.w, chosen.y, chosen.y[-1:]
        x, w, g, b = ((rng.standard_normal(s) * scale).astype(np.float32).astype(form.q.dtype) for s in shapes)
        b_q = F16 if form.accumulator == F16 else F32
        b = b.astype(b_q.dtype) if chosen.bias else np.empty(0, np.float32)
        ops = directions(chosen, form)
        of = {name: Type(a.shape, form.q) for name, a in (("x", x), ("w", w), ("g", g))}
        bias = Type(b.shape, b_q) if chosen.bias else None
        layers.append(chosen)
        found.append([
            Call(ops[0], (of["x"], of["w"], bias), (x, w, b)),
            Call(ops[1], (of["x"], of["g"]), (x, g)),
            Call(ops[2], (of["g"], of["w"]), (g, w)),
        ])
    return layers, found


def write(groups: Sequence[Sequence[Call]], kernels: Path, folder: Path) -> list[str]:
    """Writes a program that makes the calls, those of a group by one kernel, and its inputs; returns the C files to build."""
    bodies, runs, headers, feed = [], [], [], bytearray()
    for number, group in enumerate(groups):
        symbol, takes_bias = group[0].symbol, "gradient" not in group[0].symbol
        params = ",\n".join(f"    {{\n{initialisers(call.op.params(call.types))}\n    }}" for call in group)
        sizes = []
        for call in group:
            y = call.op.infer(call.types)[0]
            operands = [*(a.nbytes for a in call.arrays), *[0] * (3 - len(call.arrays))]
            assert max(*operands, y.bytes) <= CAPACITY
            sizes.append(f"    {{{', '.join(map(str, [*operands, y.bytes]))}}},")
            feed += b"".join(a.tobytes() for a in call.arrays)
        bias = "size[2] ? (const void *)memory[2] : NULL, " if takes_bias else ""
        bodies.append(_GROUP.format(symbol=symbol, number=number, params=params, sizes="\n".join(sizes), bias=bias))
        runs.append(f"    if (run_{number}(in, out)) {{\n        return 2;\n    }}\n")
        headers.append(f'#include "{group[0].op.name()}.h"')
    for header in kernels.glob("*.h"):
        (folder / header.name).write_text(header.read_text())
    text = "\n".join(dict.fromkeys(["#include <math.h>", *headers]))
    (folder / "main.c").write_text(_MAIN % (text, CAPACITY, "\n".join(bodies), "".join(runs)))
    (folder / "inputs.bin").write_bytes(feed)
    return ["main.c"]


def wrong(groups: Sequence[Sequence[Call]], kernels: Path, folder: Path, runner: Callable[[Path, Sequence[str]], None]) -> list[str]:
    """Runs the calls in C; a line for each whose result differs from the reference in a bit."""
    runner(folder, write(groups, kernels, folder))
    data, at, found = (folder / "outputs.bin").read_bytes(), 0, []
    for call in (call for group in groups for call in group):
        expected = call.reference()
        got = np.frombuffer(data, expected.dtype, expected.size, at).reshape(expected.shape)
        at += expected.nbytes
        bits = np.dtype(f"u{expected.dtype.itemsize}")
        unlike = (got.view(bits) != np.ascontiguousarray(expected).view(bits)) & ~(np.isnan(got) & np.isnan(expected))
        if unlike.any():
            found.append(f"{call.symbol} {call.op} on {[t.dims for t in call.types if t]}: {unlike.sum()} of {unlike.size} elements differ")
    assert at == len(data)
    return found
