"""C identifiers for what the model names: distinct ones, close to the model's own."""
from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from tapeout.compiler.ir import Graph, Port

_RESERVED = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if inline int long register restrict "
    "return short signed sizeof static struct switch typedef union unsigned void volatile while main asm errno".split(" ")
)


def identifier(text: str) -> str:
    """`text` as a C identifier, close to the original."""
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "value"
    return f"n{name}" if name[0].isdigit() else f"{name}_" if name in _RESERVED else name


def comment(text: str) -> str:
    """`text` as it may stand in a C comment."""
    return " ".join(text.replace("*/", "* /").replace("/*", "/ *").split())


@dataclass(frozen=True)
class Names:
    """The identifiers of a graph whose global symbols begin with `prefix`."""

    graph: Graph
    prefix: str
    packed: tuple[str, ...] = ()  # names of constants beside the graph's

    @property
    def entry(self) -> str:
        """The function that runs all nodes."""
        return f"{self.prefix}_train_step" if self.graph.states() else f"{self.prefix}_run"

    def first(self, state: str) -> str:
        """The array of what a state holds at first."""
        return f"{self.prefix}_{self.values[first_name(state)]}"

    @cached_property
    def values(self) -> dict[str, str]:
        """By value name, or name of a packed constant. Two differ in more than case, since macros are in capitals."""
        return _distinct((*self.graph.values, *self.packed))

    def constant(self, value: str) -> str:
        """The array of a constant."""
        return f"{self.prefix}_{self.values[value]}"

    def params(self, node: str) -> str:
        """The parameters of a node."""
        return f"params_{self.values[node]}"

    def function(self, node: str) -> str:
        """The function of a node that has one of its own."""
        return f"run_{self.values[node]}"

    def offset(self, value: str) -> str:
        """The macro for the offset of a value in the arena."""
        return f"{self.prefix}_AT_{self.values[value]}".upper()

    def scratch(self, node: str) -> str:
        """The macro for the offset of a node's scratch memory."""
        return f"{self.prefix}_SCRATCH_{self.values[node]}".upper()

    def input(self, port: Port) -> str:
        """The function that gives the address of an input."""
        return f"{self.prefix}_input_{_distinct(p.name for p in self.graph.inputs)[port.name]}"

    def argument(self, value: str) -> str:
        """The argument of the run function for an input that lies outside of the arena."""
        return f"input_{self.values[value]}"

    def output(self, port: Port) -> str:
        """The function that gives the address of an output."""
        return f"{self.prefix}_output_{_distinct(p.name for p in self.graph.outputs)[port.name]}"


def first_name(state: str) -> str:
    """The name of what a state holds at first, as that of a constant beside the graph's."""
    return f"{state}_first"


def _distinct(texts: Iterable[str]) -> dict[str, str]:
    taken: set[str] = set()
    names = {}
    for text in texts:
        base = candidate = identifier(text)
        count = 1
        while candidate.lower() in taken:
            count += 1
            candidate = f"{base}_{count}"
        taken.add(candidate.lower())
        names[text] = candidate
    return names
