"""Input samples for co-simulation: corner codes first, then random ones from a seed."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array, Graph, QType, Type

_CORNER_REALS = (0.0, -0.0, 1.0, -1.0, 1e-30, -1e-30, 1e-40, 100.0, -100.0)  # 1e-40 is subnormal in f32


def random_inputs(graph: Graph, count: int, seed: int) -> dict[str, Array]:
    """`count` samples (count, *shape) for every input of the graph, by value name; the same for the same seed.

    The first samples are corner ones. Codes: all at the minimum, the maximum, the zero point; minima and maxima
    in turn; every code in order, over as many samples as that takes. Floats: constants; then signed ones in turn.
    The rest is uniform over all codes, or standard normal. A training step, which corners would make diverge, has normal samples alone, and
    targets with a single 1 in each row.
    """
    rng = np.random.default_rng(seed)
    if graph.states():
        return _training_samples(graph, count, rng)
    samples = {name: _samples(graph.values[name].type, count, rng) for name in dict.fromkeys(graph.input_names)}
    for array in samples.values():
        array.setflags(write=False)
    return samples


def _training_samples(graph: Graph, count: int, rng: np.random.Generator) -> dict[str, Array]:
    types = {name: graph.values[name].type for name in graph.input_names}
    found: dict[str, Array] = {name: rng.standard_normal((count, *type.shape)).astype(np.float32) for name, type in types.items()}
    target = found[graph.inputs[-1].value]
    found[graph.inputs[-1].value] = (target == target.max(axis=-1, keepdims=True)).astype(np.float32)
    return found


def _samples(type: Type, count: int, rng: np.random.Generator) -> Array:
    """Corner samples, as many as fit, then random ones."""
    corners = (_codes(type) if isinstance(type.q, QType) else _reals(type))[:count]
    shape = (count - len(corners), *type.shape)
    if isinstance(type.q, QType):
        return np.concatenate([corners, rng.integers(type.q.min, type.q.max, shape, endpoint=True).astype(type.q.dtype)])
    return np.concatenate([corners, rng.standard_normal(shape).astype(type.q.dtype)])


def _codes(type: Type) -> Array:
    q = type.quantized
    zero = min(max(q.zero[0], q.min), q.max)
    flat = [np.full(type.size, code) for code in (q.min, q.max, zero)]
    turns = np.where(np.arange(type.size) % 2, q.max, q.min)
    flat += [turns, turns[::-1] if type.size % 2 == 0 else q.min + q.max - turns]
    codes = min(q.max - q.min + 1, 1 << 8)  # of wider formats, as many as an 8-bit one has, evenly spread
    ramps = max(1, -(-codes // max(1, type.size)))
    steps = np.arange(ramps * type.size) % codes
    flat += list((q.min + steps * ((q.max - q.min) // (codes - 1))).reshape(ramps, type.size))
    return np.stack(flat).astype(type.q.dtype).reshape(-1, *type.shape)


def _reals(type: Type) -> Array:
    flat = [np.full(type.size, real) for real in _CORNER_REALS]
    flat.append(np.where(np.arange(type.size) % 2, 1.0, -1.0))
    return np.stack(flat).astype(type.q.dtype).reshape(-1, *type.shape)
