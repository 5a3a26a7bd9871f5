"""Text of a module that computes in pipeline stages: each line in the stage of its level, registers where a later stage reads a number."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .adder_graph import Range


@dataclass(frozen=True)
class Number:
    """A wire of the module: what it may hold, how many of its lowest bits are there, and behind how many levels of logic it stands."""

    name: str
    range: Range
    bits: int
    level: int = 0

    @property
    def declared(self) -> str:
        """The type of a wire that holds it."""
        sign = "signed " if self.range.signed else ""
        return f"{sign}[{self.bits - 1}:0]"


@dataclass
class Pipeline:
    """Lines and registers by stage; a stage has `levels` levels of logic. Number n is called n_s in stage s, and n in that of its line."""

    levels: int
    _lines: dict[int, list[str]] = field(default_factory=dict)
    _copies: dict[tuple[str, int], str] = field(default_factory=dict)
    _registers: dict[int, list[tuple[str, str, Number]]] = field(default_factory=dict)

    def stage(self, number: Number) -> int:
        """In which it is made."""
        return max(number.level - 1, 0) // self.levels

    def add(self, name: str, range: Range, bits: int, read: Sequence[Number], text: Callable[[Number, Sequence[str]], str]) -> Number:
        """A number one level behind those that it reads; `text` makes its line of it and their names."""
        made = Number(name, range, bits, 1 + max((n.level for n in read), default=0))
        stage = self.stage(made)
        self._lines.setdefault(stage, []).append(text(made, [self.at(n, stage) for n in read]))
        return made

    def at(self, number: Number, stage: int) -> str:
        """Its name in a stage, with the registers that carry it there."""
        first = self.stage(number)
        assert stage >= first
        if stage == first:
            return number.name
        if (number.name, stage) not in self._copies:
            before = self.at(number, stage - 1)
            self._copies[number.name, stage] = f"{number.name}_{stage}"
            self._registers.setdefault(stage, []).append((f"{number.name}_{stage}", before, number))
        return self._copies[number.name, stage]

    def text(self, stages: int) -> str:
        """The lines of all stages, and the registers behind the last, which is number `stages` - 1."""
        parts = []
        for stage in range(stages + 1):
            if stage:
                parts.append(self._text_of_registers(stage))
            if lines := self._lines.get(stage):
                first = stage * self.levels + 1
                parts.append("\n".join([f"  // Levels {first} to {first + self.levels - 1}.", *(f"  {line}" for line in lines)]))
        return "\n\n".join(parts)

    def _text_of_registers(self, stage: int) -> str:
        rows = self._registers.get(stage, [])
        declared = [f"  logic {number.declared} {name};" for name, _, number in rows]
        moves = [f"      {name} <= {before};" for name, before, _ in rows]
        return "\n".join([*declared, "  always_ff @(posedge clk)", "    if (step) begin", *moves, "    end"])
