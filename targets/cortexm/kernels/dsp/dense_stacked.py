"""What dense_stacked.h takes: weights of two outputs stacked in half-words, in one stream with all else that four outputs need."""
from __future__ import annotations

from enum import Enum
from functools import partial

import numpy as np

from tapeout.compiler.ir import Array, Graph, Node, Op, Types
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.requant import Requant

from ....high_word import HighWord, high_word
from ....target import Kernel, Packed, no_scratch
from ....trail import Rows

_OUTPUTS, _INPUTS = 4, 8  # of a block, which the kernel multiplies at once
_HIGH = 1 << 23  # the high output's sums lie in -_HIGH .. _HIGH - 1
_ORDER = (0, 2, 1, 3, 4, 6, 5, 7)  # in which a block's inputs are widened
_BLOCK_COST, _TURN_COST, _FOUR_COST = 27, 3, 36  # instructions of the loop over outputs
_INPUT_COST, _SUM_COST, _ROW_COST = 2, 2, 40  # and of widening and summing inputs, as gcc 12 makes it
_TURN = 8  # blocks of one turn of the loop


class Form(Enum):
    """How inputs and low weights are read.

    HALVES  inputs from scratch, weights as they are
    OFFSET  inputs from scratch, low weights 128 too large, so that any high one fits on top in 16 bits
    BYTES   inputs as they are, weights as they are
    """

    HALVES = "dense_s8_stacked"
    OFFSET = "dense_s8_stacked_offset"
    BYTES = "dense_s8_stacked_bytes"


def accepts(graph: Graph, node: Node, form: Form) -> str | None:
    if any(name and not graph.values[name].constant for name in node.inputs[1:]):
        return "weights or a zero point that are computed"
    if form is Form.BYTES and _weights(graph, node).shape[1] % _INPUTS:
        return f"inputs that are no multiple of {_INPUTS}"
    if reason := _cannot_stack(graph, node):
        return reason
    w = _weights(graph, node)
    low, high = w[: len(w) // 2 * 2 : 2], w[1::2]
    overflows = form is not Form.OFFSET and ((high == -128) & (low < 0)).any()
    return "a weight of -128 stacked on a negative one" if overflows else None


def _cannot_stack(graph: Graph, node: Node) -> str | None:
    """Why no form runs a node."""
    form = _form(graph, node)
    if len(node.inputs) > 5 and node.inputs[5]:
        return "a zero point of its own"
    if isinstance(form, str):
        return form
    if graph.values[node.inputs[1]].type.quantized.zero[0]:
        return "weights with a zero point"
    least, largest = _reach(graph, node)
    if min(least[1::2], default=0) < -_HIGH or max(largest[1::2], default=0) >= _HIGH:
        return "sums beyond the 24 bits above those that they are stacked on"
    return None


def _reach(graph: Graph, node: Node) -> tuple[Array, Array]:
    """The least and the largest sum that each output can have."""
    x, w, bias = graph.types(node)[0], _weights(graph, node), _bias(graph, node)
    assert x
    ends = np.stack([w * x.quantized.min, w * x.quantized.max])
    return ends.min(axis=0).sum(axis=1) + bias, ends.max(axis=0).sum(axis=1) + bias


def _bias(graph: Graph, node: Node) -> Array:
    """Of sums of codes as they are: the zero point of the inputs is a part of it."""
    x, w = graph.types(node)[0], _weights(graph, node)
    assert x
    own = graph.data(node.inputs[2]).astype(np.int64) if node.inputs[2] else np.zeros(len(w), np.int64)
    return np.asarray(own - x.quantized.zero[0] * w.sum(axis=1))


def scratch(op: Op, types: Types) -> int:
    """Bytes: the inputs of a row, widened to half-words."""
    assert types[1]
    return 2 * _INPUTS * _blocks(types[1].shape[1])


def trail(op: Op, types: Types, form: Form) -> int:
    """A row of half-words is read before it is written."""
    assert types[0] and types[1]
    outputs, inputs = types[1].shape
    rows = types[0].size // inputs
    return Rows(rows, inputs, rows, outputs, 1, 0).trail(together=1, ahead=form is not Form.BYTES)


def pack(graph: Graph, node: Node, form: Form) -> Packed:
    op, codes = node.op, _form(graph, node)
    assert isinstance(op, Dense) and isinstance(op.requant, Requant) and not isinstance(codes, str)
    stream = _stream(_weights(graph, node), _bias(graph, node), codes, form)
    sizes = {name: op.params(graph.types(node))[name] for name in ("rows", "inputs", "outputs")}
    params = {**sizes, "four_words": stream.shape[1], "doubled": int(codes.doubled), "lo": op.requant.lo, "hi": op.requant.hi}
    first = {name: int(getattr(codes, name)[0]) for name in ("mul", "add", "shift")}
    return Packed((("stream", stream),), {**params, "per_channel": int(not _alike(codes)), **first})


def _stream(w: Array, bias: Array, codes: HighWord, form: Form) -> Array:
    """A row for each four outputs: where their sums begin, the weights, and unless all are alike a multiplier, addend and shift each.

    Sums are those of outputs 0 and 1 stacked, of 0, of 2 and 3 stacked, of 2, modulo 2^32; weights stand by blocks of inputs, then by
    pairs of outputs.
    """
    fours, blocks = -(-len(w) // _OUTPUTS), _blocks(w.shape[1])
    padded = np.zeros((fours * _OUTPUTS, blocks * _INPUTS), np.int64)
    padded[: len(w), : w.shape[1]] = w
    pairs = padded.reshape(fours, 2, 2, blocks, _INPUTS)
    low = pairs[:, :, 0] + (128 if form is Form.OFFSET else 0)
    stacked = (low + (pairs[:, :, 1] << 8))[..., _ORDER].transpose(0, 2, 1, 3).astype(np.int16)
    begin = _padded(bias, fours)
    begin[:, 0::2] += begin[:, 1::2] << 8
    begin[:, 1::2] = _padded(bias, fours)[:, 0::2]
    parts = [begin, np.ascontiguousarray(stacked).view(np.uint32).reshape(fours, -1)]
    if not _alike(codes):
        parts.append(np.stack([_padded(a, fours) for a in (codes.mul, codes.add, codes.shift)], axis=-1).reshape(fours, -1))
    return np.concatenate([(part & 0xFFFFFFFF).astype(np.uint32) for part in parts], axis=1)


def _alike(codes: HighWord) -> bool:
    """Whether all outputs have one multiplier."""
    return all((values == values[0]).all() for values in (codes.mul, codes.add, codes.shift))


def _padded(values: Array, fours: int) -> Array:
    """A value for each output, with zeros up to whole fours."""
    found = np.zeros(fours * _OUTPUTS, np.int64)
    found[: len(values)] = values
    return found.reshape(fours, _OUTPUTS)


def cost(graph: Graph, node: Node, form: Form) -> int:
    types = graph.types(node)
    assert types[0] and types[1]
    outputs, inputs = types[1].shape
    blocks = _blocks(inputs)
    block, each_input, each_four = {
        Form.HALVES: (_BLOCK_COST, _INPUT_COST, _FOUR_COST),
        Form.OFFSET: (_BLOCK_COST, _INPUT_COST + _SUM_COST, _FOUR_COST + 3),
        Form.BYTES: (_BLOCK_COST + 4, 0, _FOUR_COST),
    }[form]
    four = blocks * block + -(-blocks // _TURN) * _TURN_COST + each_four
    return types[0].size // inputs * (-(-outputs // _OUTPUTS) * four + each_input * inputs + _ROW_COST)


def _blocks(inputs: int) -> int:
    return -(-inputs // _INPUTS)


def _form(graph: Graph, node: Node) -> HighWord | str:
    op = node.op
    assert isinstance(op, Dense) and isinstance(op.requant, Requant)
    return high_word(graph, node, op.requant, len(_weights(graph, node)))


def _weights(graph: Graph, node: Node) -> Array:
    return graph.data(node.inputs[1]).astype(np.int64)


def _kernel(form: Form) -> Kernel:
    return Kernel(
        form.value, "dense_s8", partial(accepts, form=form), partial(pack, form=form), partial(cost, form=form),
        scratch=no_scratch if form is Form.BYTES else scratch, trail=partial(trail, form=form),
    )


KERNELS = tuple(map(_kernel, Form))
