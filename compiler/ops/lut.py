"""Any function of one 8-bit code, as a table."""
from __future__ import annotations

from dataclasses import dataclass

from ..errors import TapeoutError
from ..ir import Array, Op, Param, Type, Types


@dataclass(frozen=True)
class Lut(Op):
    """`y = table[x - x_min]` over inputs `x` (8-bit codes) and constant `table` (256).

    The table's format is the output's; `x_min` is the lowest code of `x`. `function` names for reports what the
    table computes and changes no number. `compiler/tables.py` makes tables.
    """

    function: str

    def infer(self, types: Types) -> tuple[Type, ...]:
        x, table = types
        assert x and table
        if x.q.code not in ("s8", "u8") or table.q.code not in ("s8", "u8"):
            raise TapeoutError(f"lut takes 8-bit codes and a table of them, got {x.q.code} and {table.q.code}")
        if table.shape != (256,):
            raise TapeoutError(f"lut takes a table of 256 codes, got {table.dims}")
        return (Type(x.shape, table.q),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        x, table = arrays
        assert types[0]
        return (table[x.astype("int32") - types[0].quantized.min],)

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        return {"size": types[0].size}

    def inplace(self, types: Types) -> tuple[int, ...]:
        return (0,)

    @property
    def label(self) -> str:
        return f"lut {self.function}"
