"""The words of triples.h: a sum has 21 bits, so that a part's products must not leave them. Parts are as large as every output allows."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.fixed import Int
from tapeout.compiler.ir import Array

from ....split_slope import reach
from ....target import Packed
from .word_sums import LOOP, Layout, Sums, whole

_MANY, _FEW = 9, 3  # outputs that are computed together
_BITS = 20  # of a sum, without its sign
# Instructions, counted in what gcc 12 makes: of an input for so many outputs, and of these outputs besides.
_MANY_COST, _FEW_COST, _MANY_MORE, _FEW_MORE, _PART_COST, _CALL_COST = 15, 6, 85, 55, 80, 70


def _groups(outputs: int) -> tuple[int, int]:
    """How many groups of nine outputs there are, and of three: nine where more than six are left."""
    many, left = divmod(outputs, _MANY)
    return (many + 1, 0) if left > 2 * _FEW else (many, -(-left // _FEW))


def stacked(weights: Int) -> Array:
    """Weights (outputs, inputs) as words, by inputs two for each three outputs."""
    first, middle, last = weights.reshape(-1, 3, weights.shape[1]).transpose(1, 2, 0)
    return np.stack([first + (middle << 21), last + (middle << 10)], axis=-1).ravel()


def split(weights: Int) -> tuple[int, int]:
    """How many words the inputs of weights (outputs, inputs) take, with zeros behind them, and how many of them a part has at most."""
    inputs = weights.shape[1]
    if _fit(weights):
        return whole(inputs), whole(inputs)
    count = part = -(-inputs // LOOP) * LOOP
    while not all(_fit(weights[:, at : at + part]) for at in range(0, inputs, part)):
        part -= LOOP
    return count, part


def _fit(weights: Int) -> bool:
    low, high = reach(weights)
    return bool(low.min() >= -1 << _BITS and high.max() < 1 << _BITS)


def _pack(sums: Sums) -> Packed:
    many, few = _groups(len(sums.weights))
    return sums.pack([_MANY] * many + [_FEW] * few, stacked, min(many * _MANY, len(sums.weights)), *split(sums.weights))


def _cost(sums: Sums) -> int:
    outputs, (count, part), (many, few) = len(sums.weights), split(sums.weights), _groups(len(sums.weights))
    more = _PART_COST * -(-count // part) if part < count else 0
    loops = many * (count * _MANY_COST + _MANY_MORE + more) + few * (count * _FEW_COST + _FEW_MORE + more)
    return loops + outputs * sums.code_cost + _CALL_COST * (bool(many) + bool(few))


def _refuses(weights: Int) -> str | None:
    return None


LAYOUT = Layout("triples", True, _refuses, _pack, _cost)
