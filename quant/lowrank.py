"""Kernels of convolutions as sums of products of one-way filters, in float64."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tapeout.compiler.ir import Array

_SWEEPS = 200  # of alternating least squares, after each rank
_RIDGE = 1e-4  # what the square of a product's norm costs, so that no two large ones cancel: those would not survive quantization


@dataclass(frozen=True)
class TwoWay:
    """Per output kernel, input channel and rank a vertical filter (O, C, R, kh) and a horizontal one (O, C, R, kw)."""

    vertical: Array
    horizontal: Array

    def kernels(self) -> Array:
        """The kernels (O, kh, kw, C) that these make up."""
        kernels: Array = np.einsum("ocri,ocrj->oijc", self.vertical, self.horizontal)
        return kernels


@dataclass(frozen=True)
class ThreeWay:
    """Per output kernel and rank a filter over depth (O, C, R), a vertical one (O, kh, R) and a horizontal one (O, kw, R)."""

    depth: Array
    vertical: Array
    horizontal: Array

    def kernels(self) -> Array:
        """The kernels (O, kh, kw, C) that these make up."""
        kernels: Array = np.einsum("ocr,oir,ojr->oijc", self.depth, self.vertical, self.horizontal, optimize=True)
        return kernels


def full_rank(ways: int, shape: tuple[int, ...]) -> int:
    """The rank at which any kernels of shape (O, kh, kw, C) are exact."""
    _, height, width, channels = shape
    return min(height, width) if ways == 2 else min(height * width, channels * height, channels * width)


def two_way(w: Array, rank: int) -> TwoWay:
    """The best approximation of kernels (O, kh, kw, C): singular values of each channel's plane, shared by both filters."""
    u, s, vt = np.linalg.svd(w.astype(np.float64).transpose(0, 3, 1, 2), full_matrices=False)
    root = np.sqrt(s[..., :rank, None])
    return TwoWay(u.swapaxes(-1, -2)[..., :rank, :] * root, vt[..., :rank, :] * root)


def three_way(w: Array, rank: int) -> ThreeWay:
    """A canonical polyadic decomposition of each kernel of (O, kh, kw, C); exact from the full rank on.

    Below it ranks are added one by one, each the best product for what is left, and all are fitted by alternating least squares; so
    the error never grows with the rank. (Kolda and Bader, Tensor Decompositions and Applications, 2009.)
    """
    w = w.astype(np.float64)
    if rank >= full_rank(3, w.shape):
        return _exact(w)
    outputs, height, width, channels = w.shape
    factors = [np.zeros((outputs, n, 0)) for n in (channels, height, width)]
    for _ in range(rank):
        added = _product(w - ThreeWay(*factors).kernels())
        factors = [np.concatenate([f, a[..., None]], axis=-1) for f, a in zip(factors, added, strict=True)]
        factors = _fitted(w, factors)
    return ThreeWay(*_balanced(factors))


def _exact(w: Array) -> ThreeWay:
    """With unit filters along the two axes whose product of lengths is smallest, and what the kernels hold along the third."""
    axes = (3, 1, 2)  # depth, vertical, horizontal
    kept = max(axes, key=lambda a: w.shape[a])
    first, second = (a for a in axes if a != kept)
    n, m = w.shape[first], w.shape[second]
    entries = w.transpose(0, kept, first, second).reshape(len(w), w.shape[kept], n * m)
    units = {first: np.repeat(np.eye(n), m, axis=1), second: np.tile(np.eye(m), n)}
    return ThreeWay(*(entries if a == kept else np.broadcast_to(units[a], (len(w), *units[a].shape)) for a in axes))


def _product(w: Array) -> list[Array]:
    """A product of three filters near the best one: leading singular vectors, then of their plane, with the best factor."""
    outputs, height, width, channels = w.shape
    _, _, planes = np.linalg.svd(w.reshape(outputs, height * width, channels).swapaxes(1, 2), full_matrices=False)
    u, _, vt = np.linalg.svd(planes[:, 0].reshape(outputs, height, width), full_matrices=False)
    vertical, horizontal = u[..., 0], vt[:, 0]
    depth = np.einsum("oijc,oi,oj->oc", w, vertical, horizontal, optimize=True)
    return [depth, vertical, horizontal]


def _fitted(w: Array, factors: list[Array]) -> list[Array]:
    """Alternating least squares with a price on large products; of each kernel the best found."""
    best, least = factors, _errors(w, factors)
    for _ in range(_SWEEPS):
        depth, vertical, horizontal = _unit(factors)
        depth = _solved(np.einsum("oijc,oir,ojr->ocr", w, vertical, horizontal, optimize=True), vertical, horizontal)
        (depth,) = _unit([depth])
        vertical = _solved(np.einsum("oijc,ocr,ojr->oir", w, depth, horizontal, optimize=True), depth, horizontal)
        (vertical,) = _unit([vertical])
        horizontal = _solved(np.einsum("oijc,ocr,oir->ojr", w, depth, vertical, optimize=True), depth, vertical)
        factors = _balanced([depth, vertical, horizontal])
        errors = _errors(w, factors)
        better = errors < least
        best = [np.where(better[:, None, None], new, old) for new, old in zip(factors, best, strict=True)]
        least = np.minimum(errors, least)
    return best


def _solved(products: Array, a: Array, b: Array) -> Array:
    """The factor that fits best when two others, of unit filters, are fixed: normal equations."""
    gram = (a.swapaxes(1, 2) @ a) * (b.swapaxes(1, 2) @ b)
    solution: Array = np.linalg.solve(gram + _RIDGE * np.eye(gram.shape[-1]), products.swapaxes(1, 2))
    return solution.swapaxes(1, 2)


def _errors(w: Array, factors: list[Array]) -> Array:
    errors: Array = ((w - ThreeWay(*factors).kernels()) ** 2).sum(axis=(1, 2, 3))
    return errors


def _norms(factor: Array) -> Array:
    norms: Array = np.linalg.norm(factor, axis=1, keepdims=True)
    return norms + np.finfo(np.float64).tiny


def _unit(factors: list[Array]) -> list[Array]:
    return [f / _norms(f) for f in factors]


def _balanced(factors: list[Array]) -> list[Array]:
    """The same products with filters of equal norms, which quantize best."""
    depth, vertical, horizontal = (np.cbrt(_norms(f)) for f in factors)
    mean: Array = depth * vertical * horizontal
    return [f * mean for f in _unit(factors)]
