"""The C file that shows a model to the harness: `cosim/harness/table.h` says what stands in it."""
from __future__ import annotations

from collections.abc import Iterable

from tapeout.compiler.ir import Graph, Port
from tapeout.compiler.memory import Plan
from tapeout.targets.c.names import Names


def model_table(graph: Graph, plan: Plan, name: str) -> str:
    """The definitions of table.h for a model whose symbols begin with `name` and whose arena is laid out by `plan`."""
    buffers = [f"{{{b.offset}, {b.bytes}, {b.first}, {b.last}}}" for b in sorted(plan.buffers, key=lambda b: b.offset)]
    results = [
        f"{{{index}, {plan.find(value).offset}, {graph.values[value].type.bytes}}}"
        for index, node in enumerate(graph.nodes)
        for value in node.outputs
    ]
    return f"""\
#include "table.h"
#include "{name}.h"
#include <stddef.h>

uint8_t *const tapeout_arena = {name}_arena;
const uint32_t tapeout_arena_bytes = sizeof {name}_arena;

{_array("tapeout_buffer tapeout_buffers", "tapeout_buffer_count", buffers)}
{_array("tapeout_result tapeout_results", "tapeout_result_count", results)}
{_ports(graph, graph.inputs, name, "input", "void *")}
{_ports(graph, graph.outputs, name, "output", "const void *")}
void tapeout_init(void)
{{
    {name}_init();
}}

void tapeout_run(void)
{{
    {name}_run();
}}
"""


def _array(declaration: str, count: str, rows: list[str]) -> str:
    body = "".join(f"    {row},\n" for row in rows or ["0"])
    return f"const {declaration}[] = {{\n{body}}};\nconst uint32_t {count} = {len(rows)};\n"


def _ports(graph: Graph, ports: Iterable[Port], name: str, direction: str, pointer: str) -> str:
    names = Names(graph, name)
    sizes = [str(graph.values[p.value].type.bytes) for p in ports]
    cases = "".join(f"    case {i}:\n        return {names.accessor(p)}();\n" for i, p in enumerate(ports))
    table = _array(f"uint32_t tapeout_{direction}_bytes", f"tapeout_{direction}_count", sizes)
    body = f"    switch (index) {{\n{cases}    default:\n        return NULL;\n    }}\n"
    return f"{table}{pointer}tapeout_{direction}(uint32_t index)\n{{\n{body}}}\n"
