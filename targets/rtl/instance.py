"""What the top module says of a node: the module, its parameters and tables, and the streams that it takes and gives."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import Type


@dataclass(frozen=True)
class Fold:
    """The parallel hardware of a layer: `pe` outputs side by side, `simd` inputs of each."""

    pe: int = 1
    simd: int = 1

    def __str__(self) -> str:
        return f"{self.pe}x{self.simd}"


@dataclass(frozen=True)
class Stream:
    """A tensor as beats of `lanes` codes of `bits` each, the first in the lowest bits; `size` codes to a frame."""

    lanes: int
    bits: int
    size: int

    @property
    def width(self) -> int:
        return self.lanes * self.bits

    @property
    def beats(self) -> int:
        """Of a frame."""
        return self.size // self.lanes


@dataclass(frozen=True)
class Table:
    """Words of `width` bits, as $readmemh reads them."""

    width: int
    words: tuple[int, ...]

    def text(self) -> str:
        digits = -(-self.width // 4)
        return "".join(f"{word:0{digits}x}\n" for word in self.words)


@dataclass(frozen=True)
class Instance:
    """A module of `kernels/<module>.sv` with its parameters; `tables` by the parameter that takes the name of the file.

    `cycles` is how many a frame takes at least; `modules` are the other modules that this one is made of. `held` is how many beats of
    its input it takes in at most before what it makes of the first of them comes out, but for the few of its pipeline. `skew` is for how
    much of a frame one of several inputs waits for its turn. `source` is the text of a module written for this node alone, of no file in
    `kernels/`. `queued` says that a queue stands behind it.
    """

    module: str
    params: Mapping[str, int]
    inputs: tuple[Stream, ...]
    output: Stream
    cycles: int
    modules: tuple[str, ...] = ()
    tables: Mapping[str, Table] = field(default_factory=dict)
    held: int = 0
    skew: Fraction = Fraction(0)
    source: str = ""
    queued: bool = True


def stream(type: Type, lanes: int) -> Stream:
    return Stream(lanes, type.quantized.bits, type.size)


def is_signed(type: Type) -> bool:
    """Whether codes are in two's complement."""
    return type.quantized.min < 0


def channels_of(type: Type | None) -> int:
    """The size of the last axis."""
    assert type
    return type.shape[-1] if type.shape else 1


def signed_bits(low: int, high: int) -> int:
    """How many bits hold all of low .. high in two's complement."""
    return max((-low - 1).bit_length() if low < 0 else 0, high.bit_length() if high > 0 else 0) + 1


def word(codes: Sequence[int], bits: int) -> int:
    """Codes side by side, the first in the lowest bits."""
    mask = (1 << bits) - 1
    return sum((int(code) & mask) << place * bits for place, code in enumerate(codes))


def check_fold(node: str, fold: Fold, outputs: int, inputs: int) -> None:
    """Raises Unsupported for a fold that leaves a rest."""
    if fold.pe < 1 or fold.simd < 1 or outputs % fold.pe or inputs % fold.simd:
        raise Unsupported(f"{node}: fold {fold} does not divide {outputs} outputs by {inputs} inputs; choose divisors of both")
