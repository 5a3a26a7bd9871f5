"""A Graph and its memory plan as C99: no arithmetic, one call of a kernel per node."""
from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import Array, FType, Graph, Node, Port, QType, Type
from tapeout.compiler.memory import Plan
from tapeout.compiler.packing import pack
from tapeout.compiler.states import inference
from tapeout.compiler.views import alignment, views

from ..selection import Selection, first_states
from .calls import Calls
from .literals import C_TYPES, c_type, elements, packed
from .names import Names, comment, first_name

_HOOKS = """\
#ifdef TAPEOUT_HOOKS /* co-simulation watches the nodes; a product leaves this undefined */
#include "hooks.h"
#else
#define node_begin(index) ((void)0)
#define node_end(index) ((void)0)
#endif
"""
_CLUSTER_HOOKS = """\
#ifdef TAPEOUT_HOOKS /* core 0 lets co-simulation watch the nodes, while the other cores wait */
#include "hooks.h"
static inline void watch_begin(int32_t index)
{
    if (cluster_core() == 0) {
        node_begin(index);
    }
    cluster_barrier();
}
static inline void watch_end(int32_t index)
{
    cluster_barrier();
    if (cluster_core() == 0) {
        node_end(index);
    }
    cluster_barrier();
}
#undef node_begin
#undef node_end
#define node_begin(index) watch_begin(index)
#define node_end(index) watch_end(index)
#else
#define node_begin(index) ((void)0)
#define node_end(index) cluster_barrier()
#endif
"""
_EXACT_FLOATS = """\
#include <float.h>
#if FLT_EVAL_METHOD < 0 || FLT_EVAL_METHOD == 1 || FLT_EVAL_METHOD == 2 || defined(__FAST_MATH__)
#error "floats must be rounded to their own format after each operation: no -ffast-math, and on x86 -mfpmath=sse"
#endif

"""
_TRAIN_STEP = """
/* Runs the network once and trains it: a step on these inputs and their target. */
void {name}_train_step({arguments});
"""
# Kernels store and load a tensor's bytes in one format, the tensor's own, until another tensor takes the bytes over. C99 asks
# for a declared type that fits; gcc and clang go by what was stored last, as for memory from malloc.
_ARENA = """\
#if defined(__GNUC__)
__attribute__((aligned(16)))
#elif __STDC_VERSION__ >= 201112L
_Alignas(16)
#else
#error "align the arena to 16 bytes in the way of this compiler"
#endif
"""


@dataclass(frozen=True)
class Emitter:
    """Writes the C of one graph. `name` prefixes every global symbol and file."""

    graph: Graph
    plan: Plan
    selection: Selection
    name: str

    def files(self) -> dict[str, str]:
        """The text of every file by its path in the output folder.

        Raises Unsupported for a node without kernel, and for an output that no node computes.
        """
        for port in self.graph.outputs:
            if self.graph.values[port.value].constant:
                raise Unsupported(f"{port.name}: this output is a constant, whatever the inputs; drop it from the model")
            root, _ = views(self.graph).root(port.value)
            if root in (p.value for p in self.plan.foreign(self.graph)):
                raise Unsupported(f"{port.name}: this output is the input {root}, which the caller has already; drop it from the model")
        kernels = self.kernel_files()
        return {
            f"{self.name}.h": self.header(),
            f"{self.name}.c": self.source(),
            f"{self.name}_arena.h": self.arena(),
            f"{self.name}_weights.h": self.weights_header(),
            f"{self.name}_weights.c": self.weights(),
            "CMakeLists.txt": self.cmake(),
            **{f"kernels/{path.name}": path.read_text() for path in kernels},
        }

    @cached_property
    def names(self) -> Names:
        return Names(self.graph, self.name, (*self.selection.packed_data(self.graph), *map(first_name, first_states(self.graph))))

    @cached_property
    def calls(self) -> Calls:
        return Calls(self.graph, self.plan, self.selection, self.names)

    def kernel_files(self) -> list[Path]:
        """The kernel files that the nodes need, with all that these include."""
        waiting = [chosen.path for chosen in self.selection.chosen.values()]
        waiting += [folder / "cluster.h" for folder in self.selection.target.cluster if (folder / "cluster.h").is_file()]
        found: dict[str, Path] = {}
        while waiting:
            path = waiting.pop()
            if path.name in found:
                continue
            found[path.name] = path
            for included in re.findall(r'^#include "([\w.]+)"', path.read_text(), re.MULTILINE):
                waiting.append(next(f / included for f in (path.parent, *self.selection.target.kernels) if (f / included).is_file()))
        return [found[name] for name in sorted(found)]

    def header(self) -> str:
        guard = f"{self.name.upper()}_H"
        ports = "\n".join([
            *(self._port(p, "input", self.names.input(p)) for p in self.graph.inputs if self.plan.holds(p.value)),
            *(self._port(p, "output", self.names.output(p)) for p in self.graph.outputs),
        ])
        given = "".join(f"\n * {self.names.argument(p.value)}: {self._describe_port(p)}" for p in self.plan.foreign(self.graph))
        include = first = step = ""
        if self.graph.states():
            include, first = f'#include "{self.name}_weights.h"\n', "\n * Sets trained weights to those of the model."
            step = _TRAIN_STEP.format(name=self.name, arguments=self._run_arguments())
        aligned = f"\n * Inputs begin at a multiple of {alignment(self.graph)} bytes, in flash or RAM." if given else ""
        return f"""\
/* {self.name}: a neural network compiled by tapeout. Call {self.name}_init() once; then, as often as you like, fill the
 * inputs, call {self.name}_run() and read the outputs. A run uses the whole arena: it overwrites inputs and
 * outputs that the plan does not keep. Not reentrant. */
#ifndef {guard}
#define {guard}

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

#include "{self.name}_arena.h"
{include}
/* Clears the arena, so that outputs read before the first run are zero.{first} */
void {self.name}_init(void);

/* Runs the network once.{given}{aligned} */
void {self.name}_run({self._run_arguments(target=False)});
{step}
{ports}
#ifdef __cplusplus
}}
#endif

#endif
"""

    def _unread(self) -> list[str]:
        """The inputs in the caller's memory from which the network computes nothing."""
        read = self._read(self.graph.nodes[: inference(self.graph)])
        return [name for name in self._foreign(target=False) if name not in read]

    def _read(self, nodes: Sequence[Node]) -> set[str]:
        """The values in the caller's memory or the arena that the kernels of nodes read."""
        return {views(self.graph).root(i)[0] for n in nodes if n.name in self.selection.chosen for i in n.inputs if i}

    def _foreign(self, target: bool) -> list[str]:
        """The inputs in the caller's memory, with or without the target of a training step."""
        last = self.graph.inputs[-1].value if self.graph.states() and not target else None
        return [p.value for p in self.plan.foreign(self.graph) if p.value != last]

    def _run_arguments(self, target: bool = True) -> str:
        foreign = self._foreign(target)
        return ", ".join(f"const {c_type(self.graph.values[v].type)} *{self.names.argument(v)}" for v in foreign) or "void"

    def _port(self, port: Port, direction: str, function: str) -> str:
        return (
            f"/* {direction} {comment(port.name)}: {self._describe_port(port)} */\n"
            f"static inline {c_type(self.graph.values[port.value].type)} *{function}(void) {{ return {self.calls.pointer(port.value)}; }}\n"
        )

    def _describe_port(self, port: Port) -> str:
        """The format, shape, layout and scale of a port's tensor."""
        value = self.graph.values[port.value]
        layout = "as tapeout holds weights" if value.name in self.graph.states() else describe_layout(port.axes)
        scale = ""
        if isinstance(value.type.q, QType):
            q = value.type.q
            number = "2 * code - 1" if q.bipolar else f"code - {q.zero[0]}"
            scale = f", real = ({number}) * {q.scale[0]!r}{', packed' if q.packed else ''}"
        return f"{value.type.q.code} {value.type.dims} {layout}{scale}"

    def arena(self) -> str:
        """The memory plan as offsets, the only place where they stand."""
        lines = []
        for buffer in sorted(self.plan.buffers, key=lambda b: (b.offset, b.first)):
            begins = {self.names.offset(v): buffer.begin(v) for v in buffer.values}
            begins = begins or {self.names.scratch(buffer.name.removesuffix(".scratch")): 0}
            where = f"/* {buffer.bytes} bytes, nodes {buffer.first} to {buffer.last} */"
            lines += [f"#define {macro} {buffer.offset + begin} {where}" for macro, begin in begins.items()]
        guard = f"{self.name.upper()}_ARENA_H"
        return f"""\
/* {self.name}: where each tensor lies in the arena, and while which nodes of {self.name}_run() it is live. */
#ifndef {guard}
#define {guard}

#include <stdint.h>

#define {self.name.upper()}_ARENA_BYTES {max(1, self.plan.arena_bytes)}
extern uint8_t {self.name}_arena[{self.name.upper()}_ARENA_BYTES];

{chr(10).join(lines)}

#endif
"""

    def source(self) -> str:
        includes = "".join(f'#include "kernels/{p.name}"\n' for p in self.kernel_files())
        kinds = self._packed_kinds()
        exact = _EXACT_FLOATS if any(isinstance(v.type.q, FType) for v in self.graph.values.values()) else ""
        return f"""\
/* {self.name}: one call of a kernel per node, in the order of the graph. */
#include "{self.name}.h"
#include "{self.name}_weights.h"
{kinds}{includes}#include <math.h>
#include <stddef.h>
#include <string.h>

{_CLUSTER_HOOKS if self.selection.target.cluster else _HOOKS}
{exact}{_ARENA}\
uint8_t {self.name}_arena[{self.name.upper()}_ARENA_BYTES];

{self.calls.params()}{self.calls.functions()}
void {self.name}_init(void)
{{
    memset({self.name}_arena, 0, sizeof {self.name}_arena);
{self._first_states()}}}

{self._clustered() if self.selection.target.cluster else self._plain()}"""

    def _statements(self) -> tuple[str, str]:
        """The calls of the inference and those of the rest of a training step."""
        calls, first = [self.calls.call(i, n) for i, n in enumerate(self.graph.nodes)], inference(self.graph)
        return "\n".join(calls[:first]), "\n".join(calls[first:])

    def _plain(self) -> str:
        """The functions that run the nodes on one core."""
        run, train = self._statements()
        unread = "".join(f"    (void){self.names.argument(v)}; /* no node reads it */\n" for v in self._unread())
        text = f"void {self.name}_run({self._run_arguments(target=False)})\n{{\n{unread}{run}\n}}\n"
        if self.graph.states():
            given = ", ".join(map(self.names.argument, self._foreign(target=False)))
            text += f"\nvoid {self.names.entry}({self._run_arguments()})\n{{\n    {self.name}_run({given});\n{train}\n}}\n"
        return text

    def _clustered(self) -> str:
        """The functions that run the nodes on all cores of a cluster, each with the one that forks it on core 0."""
        run, train = self._statements()
        first = inference(self.graph)
        text = self._forked("run", self.graph.nodes[:first], run, target=False)
        if self.graph.states():
            train = f"    run_on_each_core(given);\n{train}"
            text += "\n" + self._forked("train_step", self.graph.nodes[first:], train, target=True)
        return text

    def _forked(self, entry: str, nodes: Sequence[Node], statements: str, target: bool) -> str:
        foreign, read = self._foreign(target), self._read(nodes)
        names = [self.names.argument(v) for v in foreign]
        found = "".join(
            f"    const {c_type(self.graph.values[v].type)} *{name} = ((const void **)given)[{i}];\n"
            for i, (v, name) in enumerate(zip(foreign, names, strict=True)) if v in read
        )
        return f"""\
static void {entry}_on_each_core(void *given)
{{
    (void)given;
{found}{statements}
}}

void {self.name}_{entry}({self._run_arguments(target)})
{{
    const void *given[] = {{{", ".join(names) or "NULL"}}};
    cluster_fork({entry}_on_each_core, given);
}}
"""

    def _first_states(self) -> str:
        """The statements that set the states to what they hold at first."""
        lines, first = [], first_states(self.graph)
        for state in self.graph.states().values():
            array = self.names.constant(state.name)
            source = f"memcpy({array}, {self.names.first(state.name)}" if state.name in first else f"memset({array}, 0"
            lines.append(f"    {source}, sizeof {array});\n")
        return "".join(lines)

    def _packed_kinds(self) -> str:
        """The widths of packed weights, so that kernels hold the code of no other; see `packed_kind` in packed.h."""
        found = set()
        for node in self.graph.nodes:
            if node.name in self.selection.chosen and "_packed_" in node.op.symbol(self.graph.types(node)):
                q = self.graph.values[node.inputs[1]].type.quantized
                plain = q.signed and not q.zero[0] and q.bits > 1
                found.add(int(q.bits == 1) if q.bipolar else q.bits if plain else 0)
                found |= {0} if 8 < q.bits < 16 or (q.bits == 16 and "_s8" in node.op.symbol(self.graph.types(node))) else set()
        return f"#define PACKED_KINDS {sum(1 << kind for kind in found):#x}u\n" if found else ""

    def _constants(self) -> Iterable[tuple[str, str, Array]]:
        for name in self.selection.plain(self.graph):
            value = self.graph.values[name]
            assert value.data is not None
            data = pack(value.data, value.type) if packed(value.type) else value.data
            yield f"{c_type(value.type)} {self.names.constant(value.name)}[{max(1, data.size)}]", self._describe(value.type), data
        for name, data in self.selection.packed_data(self.graph).items():
            kind = f"{C_TYPES[data.dtype.name]} {self.names.constant(name)}[{max(1, data.size)}]"
            yield kind, "x".join(map(str, data.shape)), data
        for name, data in first_states(self.graph).items():
            type = self.graph.values[name].type
            yield f"{c_type(type)} {self.names.first(name)}[{data.size}]", self._describe(type), data

    def _states(self) -> Iterable[tuple[str, str]]:
        """The arrays of the states, and their shapes."""
        for state in self.graph.states().values():
            yield f"{c_type(state.type)} {self.names.constant(state.name)}[{state.type.size}]", state.type.dims

    def _describe(self, type: Type) -> str:
        return f"{type.dims} packed {type.q.code}" if packed(type) else type.dims

    def weights_header(self) -> str:
        guard = f"{self.name.upper()}_WEIGHTS_H"
        lines = "".join(f"extern const {text}; /* {dims} */\n" for text, dims, _ in self._constants())
        lines += "".join(f"extern {text}; /* {dims}, changed by training */\n" for text, dims in self._states())
        return f"""\
/* {self.name}: the constants of the network. */
#ifndef {guard}
#define {guard}

#include <stdint.h>

{lines}
#endif
"""

    def weights(self) -> str:
        body = "".join(f"/* {dims} */\nconst {text} = {{\n{elements(data)}}};\n\n" for text, dims, data in self._constants())
        body += "".join(f"{text};\n" for text, _ in self._states())
        return f'#include "{self.name}_weights.h"\n{"#include <math.h>" * ("INFINITY" in body)}\n{body}'.rstrip() + "\n"

    def cmake(self) -> str:
        return f"""\
# A library with the compiled network; add_subdirectory() this folder and link {self.name}.
cmake_minimum_required(VERSION 3.13)
project({self.name} C)
add_library({self.name} STATIC {self.name}.c {self.name}_weights.c)
target_include_directories({self.name} PUBLIC ${{CMAKE_CURRENT_SOURCE_DIR}})
set_target_properties({self.name} PROPERTIES C_STANDARD 99 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
# Floats are defined to the bit: no fused multiply-add, no reordering.
target_compile_options({self.name} PRIVATE -O2 {" ".join(self.selection.target.code_flags)} -ffunction-sections -fdata-sections)
{self._cmake_library()}"""

    def _cmake_library(self) -> str:
        library = self.selection.library(self.graph)
        if library is None:
            return ""
        folder = f"$ENV{{{library.variable}}}"
        sources = "".join(f"\n    {folder}/{source}" for source in library.sources)
        defines = f"target_compile_definitions({self.name} PRIVATE {' '.join(library.defines)})\n" if library.defines else ""
        return f"""\
if(NOT DEFINED ENV{{{library.variable}}})
    message(FATAL_ERROR "set {library.variable} to the folder of the library that the kernels call")
endif()
target_sources({self.name} PRIVATE{sources})
target_include_directories({self.name} SYSTEM PRIVATE {folder}/{library.headers})
{defines}"""


def describe_layout(axes: tuple[int, ...]) -> str:
    """The order in which a tensor lies in memory; 'NHWC' when the source has it as NCHW."""
    if axes == tuple(range(len(axes))):
        return "as in the model"
    return "NHWC" if axes == (0, 2, 3, 1) else f"axes {','.join(map(str, axes))} of the model's"
