"""The calls of a network's kernels as C: their parameters, the functions that several nodes share, and one call per node."""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from textwrap import indent

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.memory import Plan
from tapeout.compiler.views import views

from ..selection import Selection
from ..target import no_scratch
from .literals import c_type, initialisers, wrapped
from .names import Names, comment


@dataclass(frozen=True)
class Calls:
    """How the nodes of a graph are run."""

    graph: Graph
    plan: Plan
    selection: Selection
    names: Names

    def pointer(self, value: str) -> str:
        """The C expression for the first element of a value."""
        if value == "":
            return "NULL"
        known = self.graph.values[value]
        held = self.graph.states().get(value, known)
        if held.data is not None:
            return self.names.constant(held.name)
        root, begin = views(self.graph).root(value)
        if not self.plan.holds(root):
            step = begin // known.type.q.dtype.itemsize
            return self.names.argument(root) + (f" + {step}" if step else "")
        return f"({c_type(known.type)} *)({self.names.prefix}_arena + {self.names.offset(value)})"

    def params(self) -> str:
        """The parameters of all nodes, those that are alike once."""
        lines = (
            f"static const {self.selection.chosen[name].kernel.symbol}_params {self.names.params(name)} = {{\n{self._bodies[name]}\n}};\n"
            for name, like in self._params_like.items() if name == like
        )
        return "".join(lines)

    def functions(self) -> str:
        """The functions of the nodes that are `_apart`, those that are alike once."""
        return "".join(self._function(node) for node in self._run if self._apart(node) and self._like[node.name] == node.name)

    def call(self, index: int, node: Node) -> str:
        """The statements that run a node, with a comment that says what it does."""
        shapes = self.graph.values[node.inputs[0]].type.dims, self.graph.values[node.outputs[0]].type.dims
        title = f"    node_begin({index}); /* {comment(node.name)}: {node.op.label} {shapes[0]} -> {shapes[1]}"
        if node.name in views(self.graph).free:
            return f"{title}, the same bytes */\n    node_end({index});"
        if self._apart(node):
            function = self.names.function(self._like[node.name])
            arguments = [*map(self.pointer, self._computed(node)), *map(self.pointer, node.outputs), *self._scratch(node)]
            call = wrapped(arguments, f"    {function}(", " " * (len(function) + 5))
        else:
            call = self._kernel_call(node, list(map(self.pointer, node.inputs)), list(map(self.pointer, node.outputs)), self._scratch(node))
        return f"{title} */\n{self._alone(node, f'{call});')}\n    node_end({index});"

    def _alone(self, node: Node, statement: str) -> str:
        """A statement as it runs a node: on core 0 of a cluster, unless the node's kernel is one for all cores."""
        target = self.selection.target
        if not target.cluster or self.selection.chosen[node.name].path.parent in target.cluster:
            return statement
        return f"    if (cluster_core() == 0) {{\n{indent(statement, '    ')}\n    }}"

    @cached_property
    def _run(self) -> list[Node]:
        return [node for node in self.graph.nodes if node.name not in views(self.graph).free]

    @cached_property
    def _packed(self) -> dict[str, list[str]]:
        return self.selection.packed(self.graph)

    @cached_property
    def _bodies(self) -> dict[str, str]:
        """The initialisers of each node's parameters."""
        bodies = {}
        for node in self._run:
            packed = self.selection.chosen[node.name].packed
            try:
                bodies[node.name] = initialisers(packed.params if packed else node.op.params(self.graph.types(node)))
            except Unsupported as error:
                raise Unsupported(f"{node.name}: {error}") from None
        return bodies

    @cached_property
    def _params_like(self) -> dict[str, str]:
        """The first node with the same parameters as each node."""
        first: dict[tuple[str, str], str] = {}
        return {n.name: first.setdefault((self.selection.chosen[n.name].kernel.symbol, self._bodies[n.name]), n.name) for n in self._run}

    @cached_property
    def _like(self) -> dict[str, str]:
        """The first node that runs the same kernel with the same parameters and constants as each node."""
        first: dict[tuple[str, tuple[str, ...]], str] = {}
        return {
            node.name: first.setdefault((self._params_like[node.name], tuple(self._constants(node))), node.name) for node in self._run
        }

    @cached_property
    def _runs(self) -> Counter[str]:
        """How many nodes are run like each."""
        return Counter(self._like.values())

    def _constants(self, node: Node) -> list[str]:
        """A node's constants, and where it takes none of them a sign of what stands there."""
        if node.name in self._packed:
            return self._packed[node.name]
        return [i if i and self.graph.values[i].constant else "?" if i else "" for i in node.inputs]

    def _apart(self, node: Node) -> bool:
        """Whether a node has a function of its own: when others are run by it too, and when it is run by a packed kernel. The compiler
        does not see how long the assembly of those is, so that in a function of many its constants could lie too far from the code that
        reads them."""
        chosen = self.selection.chosen[node.name]
        shared = not chosen.kernel.variadic and self._runs[self._like[node.name]] > 1
        return chosen.packed is not None or shared

    def _computed(self, node: Node) -> list[str]:
        return [i for i in node.inputs if i and not self.graph.values[i].constant]

    def _scratch(self, node: Node) -> list[str]:
        """The argument for the scratch memory of a node, if its kernel takes any."""
        kernel = self.selection.chosen[node.name].kernel
        if kernel.scratch is no_scratch:
            return []
        needed = kernel.scratch(node.op, self.graph.types(node))
        return [f"{self.names.prefix}_arena + {self.names.scratch(node.name)}" if needed else "NULL"]

    def _function(self, node: Node) -> str:
        computed = self._computed(node)
        ins, outs = _numbered("x", len(computed)), _numbered("y", len(node.outputs))
        declared = [f"const {c_type(self.graph.values[v].type)} *{name}" for v, name in zip(computed, ins, strict=True)]
        declared += [f"{c_type(self.graph.values[v].type)} *{name}" for v, name in zip(node.outputs, outs, strict=True)]
        scratch = ["scratch"] if self._scratch(node) else []
        declared += [f"void *{name}" for name in scratch]
        next_in = iter(ins)
        inputs = [next(next_in) if i and not self.graph.values[i].constant else self.pointer(i) for i in node.inputs]
        head = wrapped(declared, f"__attribute__((noinline)) static void {self.names.function(node.name)}(", "    ")
        return f"{head})\n{{\n{self._kernel_call(node, inputs, outs, scratch)});\n}}\n"

    def _kernel_call(self, node: Node, inputs: Sequence[str], outputs: Sequence[str], scratch: Sequence[str]) -> str:
        """The call of a node's kernel but for its end."""
        chosen = self.selection.chosen[node.name]
        kernel = chosen.kernel
        if chosen.packed:
            inputs = [text for i, text in zip(node.inputs, inputs, strict=True) if i and not self.graph.values[i].constant]
            inputs = [*inputs, *map(self.names.constant, self._packed[node.name])]
        inputs = [*inputs, *["NULL"] * (kernel.inputs - len(inputs))]
        if kernel.variadic:
            inputs = [f"(const void *const[]){{{', '.join(inputs)}}}"]
        arguments = [f"&{self.names.params(self._params_like[node.name])}", *inputs, *outputs, *scratch]
        return wrapped(arguments, f"    {kernel.symbol}(", " " * (len(kernel.symbol) + 5))


def _numbered(letter: str, count: int) -> list[str]:
    return [letter] if count == 1 else [f"{letter}{i}" for i in range(count)]
