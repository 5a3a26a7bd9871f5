"""What the ops of a training step share: formats, and how the gradients of layers sum."""
from __future__ import annotations

from dataclasses import dataclass, field

from .dot import add_product
from .errors import TapeoutError, Unsupported
from .f16 import fuses, sum_format
from .ir import BF16, F16, F32, Array, FType, Op, Types


def float_format(name: str, types: Types) -> FType:
    """The format of floats that all operands have. Raises Unsupported for integer codes, TapeoutError where formats differ."""
    formats = {type.q for type in types if type}
    for q in formats:
        if not isinstance(q, FType):
            raise Unsupported(f"{name} computes in floats, got {q.code}; train the float model")
    if len(formats) > 1:
        raise TapeoutError(f"operands of {name} are {' and '.join(sorted(q.code for q in formats))}, which one kernel does not mix")
    (format,) = formats
    assert isinstance(format, FType)
    return format


def check_sums(operands: FType, accumulator: FType) -> None:
    """Raises TapeoutError for sums that no contract of `compiler/f16.py` knows."""
    if accumulator not in (F32, F16) or (operands == BF16 and accumulator == F16):
        raise TapeoutError(f"sums of {operands.code} operands in {accumulator.code} are undefined; sum in f32")


def check_loss(name: str, types: Types) -> None:
    """Raises TapeoutError unless a loss compares `z` in a format of floats with float32 `t` of its shape."""
    z, t = types
    assert z and t
    float_format(name, (z,))
    if z.shape != t.shape or t.q != F32:
        raise TapeoutError(f"{name} takes z and f32 t of one shape, got {z.dims} and {t.q.code} {t.dims}")


@dataclass(frozen=True)
class LayerGradient(Op):
    """A gradient of a layer's weights or input: sums of products of two operands of one format.

    Each step is one of the layer's own contracts, by `accumulator` and `fused` as in conv2d: products and sums rounded apart in float32,
    on widened elements; fused in float32; or fused in f16. The result is rounded to the operands' format once, at the end.
    """

    accumulator: FType = field(default=F32, kw_only=True)
    fused: bool = field(default=False, kw_only=True)

    def format(self, types: Types) -> FType:
        """The operands' format. Raises TapeoutError when there is no such sum."""
        operands = float_format(self.name(), types)
        check_sums(operands, self.accumulator)
        return operands

    def symbol(self, types: Types) -> str:
        assert types[0]
        return f"{super().symbol(types)}{'_fma' if fuses(types[0].q, self.accumulator, self.fused) else ''}"

    def widened(self, types: Types, arrays: tuple[Array, ...]) -> list[Array]:
        """The operands in the format of the sums."""
        return [array.astype(sum_format(self.format(types), self.accumulator).dtype) for array in arrays]

    def add(self, types: Types, total: Array, x: Array, w: Array, inside: Array | None = None) -> Array:
        """A step of the sums: `total + x * w`, totals where `inside` is false."""
        return add_product(total, x, w, inside, fuses(self.format(types), self.accumulator, self.fused))
