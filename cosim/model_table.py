"""The C file that shows a model to the harness: `cosim/harness/table.h` says what stands in it."""
from __future__ import annotations

from collections.abc import Mapping

from tapeout.compiler.ir import Graph, Type
from tapeout.compiler.memory import Plan
from tapeout.targets.c.literals import c_type
from tapeout.targets.c.names import Names


def model_table(graph: Graph, plan: Plan, name: str) -> str:
    """The definitions of table.h for a model whose symbols begin with `name` and whose arena is laid out by `plan`."""
    buffers = [f"{{{b.offset}, {b.bytes}, {b.first}, {b.last}}}" for b in sorted(plan.buffers, key=lambda b: b.offset)]
    results = [
        f"{{{index}, {plan.offset(value)}, {graph.values[value].type.bytes}}}"
        for index, node in enumerate(graph.nodes)
        for value in node.outputs if plan.holds(value)
    ]
    names = Names(graph, name)
    foreign = {port.value: f"foreign_{i}" for i, port in enumerate(plan.foreign(graph))}
    memories = "".join(f"static uint64_t {memory}[{-(-graph.values[v].type.bytes // 8)}];\n" for v, memory in foreign.items())
    inputs = {foreign.get(p.value) or f"{names.input(p)}()": graph.values[p.value].type for p in graph.inputs}
    arguments = ", ".join(f"(const {c_type(graph.values[v].type)} *){memory}" for v, memory in foreign.items())
    return f"""\
#include "table.h"
#include "{name}.h"
#include <stddef.h>

uint8_t *const tapeout_arena = {name}_arena;
const uint32_t tapeout_arena_bytes = sizeof {name}_arena;

{_array("tapeout_buffer tapeout_buffers", "tapeout_buffer_count", buffers)}
{_array("tapeout_result tapeout_results", "tapeout_result_count", results)}
{memories}{_array("void *const tapeout_foreign", "tapeout_foreign_count", list(foreign.values()))}
{_ports("input", "void *", inputs)}
{_ports("output", "const void *", {f"{names.output(p)}()": graph.values[p.value].type for p in graph.outputs})}
void tapeout_init(void)
{{
    {name}_init();
}}

void tapeout_run(void)
{{
    {names.entry}({arguments});
}}
"""


def _array(declaration: str, count: str, rows: list[str]) -> str:
    body = "".join(f"    {row},\n" for row in rows or ["0"])
    return f"const {declaration}[] = {{\n{body}}};\nconst uint32_t {count} = {len(rows)};\n"


def _ports(direction: str, pointer: str, tensors: Mapping[str, Type]) -> str:
    """The sizes and addresses of tensors, which the model's own functions give unless they lie outside of its arena."""
    sizes = [str(type.bytes) for type in tensors.values()]
    cases = "".join(f"    case {i}:\n        return {address};\n" for i, address in enumerate(tensors))
    table = _array(f"uint32_t tapeout_{direction}_bytes", f"tapeout_{direction}_count", sizes)
    body = f"    switch (index) {{\n{cases}    default:\n        return NULL;\n    }}\n"
    return f"{table}{pointer}tapeout_{direction}(uint32_t index)\n{{\n{body}}}\n"
