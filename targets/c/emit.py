"""A Graph and its memory plan as C99: no arithmetic, one call of a kernel per node."""
from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

import numpy as np

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.fixed import INT32_MAX, INT32_MIN, Rounding
from tapeout.compiler.ir import BF16, F16, Array, FType, Graph, Node, Param, Port, QType, Type
from tapeout.compiler.memory import Plan
from tapeout.compiler.packing import pack

from ..selection import Selection
from ..target import no_scratch
from .names import Names, comment

_C_TYPES = {
    "int8": "int8_t", "uint8": "uint8_t", "int16": "int16_t", "uint16": "uint16_t", "int32": "int32_t", "uint32": "uint32_t",
    "int64": "int64_t", "float32": "float", "float16": "uint16_t", "bfloat16": "uint16_t",
}  # fmt: skip
_HOOKS = """\
#ifdef TAPEOUT_HOOKS /* co-simulation watches the nodes; a product leaves this undefined */
#include "hooks.h"
#else
#define node_begin(index) ((void)0)
#define node_end(index) ((void)0)
#endif
"""
_EXACT_FLOATS = """\
#include <float.h>
#if FLT_EVAL_METHOD < 0 || FLT_EVAL_METHOD == 1 || FLT_EVAL_METHOD == 2 || defined(__FAST_MATH__)
#error "floats must be rounded to their own format after each operation: no -ffast-math, and on x86 -mfpmath=sse"
#endif

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


def c_type(type: Type) -> str:
    return "uint8_t" if _packed(type) else _C_TYPES[type.q.dtype.name]


def _packed(type: Type) -> bool:
    return isinstance(type.q, QType) and type.q.packed


def literal(value: Param) -> str:
    """A parameter as C text; floats that are no small integers in hexadecimal, so that no digit is lost.

    Raises Unsupported for NaN and for an integer beyond 32 bits.
    """
    if isinstance(value, Rounding):
        return f"ROUND_{value.name}"
    if isinstance(value, tuple):
        return "{" + ", ".join(map(literal, value)) + "}"
    if isinstance(value, float):
        if math.isnan(value):
            raise Unsupported("a parameter is NaN")
        if math.isinf(value):
            return "INFINITY" if value > 0 else "-INFINITY"
        if value == int(value) and abs(value) < 1 << 24:
            return f"{value:.1f}f"
        return re.sub(r"\.?0*p", "p", float(np.float32(value)).hex()) + "f"
    if not INT32_MIN <= value <= INT32_MAX:
        raise Unsupported(f"a parameter is {value}, beyond the 32 bits of the kernels")
    return "(-2147483647 - 1)" if value == INT32_MIN else str(int(value))


def elements(array: Array) -> str:
    """The elements of a constant as lines of C initialisers; 16-bit floats as their bits."""
    array = array.view(np.uint16) if array.dtype in (F16.dtype, BF16.dtype) else array
    texts = list(map(_LITERALS.get(array.dtype.name, literal), array.ravel().tolist()))
    return "".join(f"    {', '.join(texts[i:i + 16])},\n" for i in range(0, len(texts), 16))


def _wide_literal(value: int) -> str:
    """A 64-bit integer as C text."""
    return "INT64_MIN" if value == -(1 << 63) else f"INT64_C({value})"


_LITERALS: dict[str, Callable[[int], str]] = {"int64": _wide_literal, "uint32": "{:#010x}u".format, "uint16": "{:#06x}".format}


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
        return Names(self.graph, self.name, tuple(name for packed in self.selection.packed(self.graph).values() for name, _ in packed))

    def kernel_files(self) -> list[Path]:
        """The kernel files that the nodes need, with all that these include."""
        waiting = [chosen.path for chosen in self.selection.chosen.values()]
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
            *(self._port(p, "input", self.names.input(p)) for p in self.graph.inputs),
            *(self._port(p, "output", self.names.output(p)) for p in self.graph.outputs),
        ])
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

/* Clears the arena, so that outputs read before the first run are zero. */
void {self.name}_init(void);

/* Runs the network once. */
void {self.name}_run(void);

{ports}
#ifdef __cplusplus
}}
#endif

#endif
"""

    def _port(self, port: Port, direction: str, function: str) -> str:
        value = self.graph.values[port.value]
        scale = ""
        if isinstance(value.type.q, QType):
            q = value.type.q
            number = "2 * code - 1" if q.bipolar else f"code - {q.zero[0]}"
            scale = f", real = ({number}) * {q.scale[0]!r}{', packed' if q.packed else ''}"
        layout = describe_layout(port.axes)
        return (
            f"/* {direction} {comment(port.name)}: {value.type.q.code} {value.type.dims} {layout}{scale} */\n"
            f"static inline {c_type(value.type)} *{function}(void) {{ return {self._pointer(port.value)}; }}\n"
        )

    def _pointer(self, value: str) -> str:
        """The C expression for the first element of a value."""
        if value == "":
            return "NULL"
        known = self.graph.values[value]
        if known.constant:
            return self.names.constant(value)
        return f"({c_type(known.type)} *)({self.name}_arena + {self.names.offset(value)})"

    def arena(self) -> str:
        """The memory plan as offsets, the only place where they stand."""
        lines = []
        for buffer in sorted(self.plan.buffers, key=lambda b: (b.offset, b.first)):
            macros = [self.names.offset(v) for v in buffer.values] or [self.names.scratch(buffer.name.removesuffix(".scratch"))]
            where = f"{buffer.offset} /* {buffer.bytes} bytes, nodes {buffer.first} to {buffer.last} */"
            lines += [f"#define {macro} {where}" for macro in macros]
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
        params = "".join(self._params(n) for n in self.graph.nodes if not n.op.alias)
        apart = "".join(self._function(n) for n in self.graph.nodes if self._is_apart(n))
        calls = "\n".join(self._call(i, n) for i, n in enumerate(self.graph.nodes))
        kinds = self._packed_kinds()
        exact = _EXACT_FLOATS if any(isinstance(v.type.q, FType) for v in self.graph.values.values()) else ""
        return f"""\
/* {self.name}: one call of a kernel per node, in the order of the graph. */
#include "{self.name}.h"
#include "{self.name}_weights.h"
{kinds}{includes}#include <math.h>
#include <stddef.h>
#include <string.h>

{_HOOKS}
{exact}{_ARENA}\
uint8_t {self.name}_arena[{self.name.upper()}_ARENA_BYTES];

{params}{apart}
void {self.name}_init(void)
{{
    memset({self.name}_arena, 0, sizeof {self.name}_arena);
}}

void {self.name}_run(void)
{{
{calls}
}}
"""

    def _packed_kinds(self) -> str:
        """The widths of packed weights, so that kernels hold the code of no other; see `packed_kind` in packed.h."""
        found = set()
        for node in self.graph.nodes:
            if not node.op.alias and "_packed_" in node.op.symbol(self.graph.types(node)):
                q = self.graph.values[node.inputs[1]].type.quantized
                plain = q.signed and not q.zero[0] and q.bits > 1
                found.add(int(q.bits == 1) if q.bipolar else q.bits if plain else 0)
                found |= {0} if 8 < q.bits < 16 or (q.bits == 16 and "_s8" in node.op.symbol(self.graph.types(node))) else set()
        return f"#define PACKED_KINDS {sum(1 << kind for kind in found):#x}u\n" if found else ""

    def _params(self, node: Node) -> str:
        chosen = self.selection.chosen[node.name]
        try:
            body = _fields(chosen.packed.params if chosen.packed else node.op.params(self.graph.types(node)))
        except Unsupported as error:
            raise Unsupported(f"{node.name}: {error}") from None
        return f"static const {chosen.kernel.symbol}_params {self.names.params(node.name)} = {{\n{body}\n}};\n"

    def _call(self, index: int, node: Node) -> str:
        shapes = self.graph.values[node.inputs[0]].type.dims, self.graph.values[node.outputs[0]].type.dims
        title = f"    node_begin({index}); /* {comment(node.name)}: {node.op.label} {shapes[0]} -> {shapes[1]}"
        if node.op.alias:
            return f"{title}, the same bytes */\n    node_end({index});"
        call = f"    {self.names.function(node.name)}(" if self._is_apart(node) else self._kernel_call(node)
        return f"{title} */\n{call});\n    node_end({index});"

    def _is_apart(self, node: Node) -> bool:
        """Whether a node has a function of its own: the compiler does not see how long the assembly of packed kernels is, so that in a
        function of many its constants could lie too far from the code that reads them."""
        return not node.op.alias and self.selection.chosen[node.name].packed is not None

    def _function(self, node: Node) -> str:
        return f"__attribute__((noinline)) static void {self.names.function(node.name)}(void)\n{{\n{self._kernel_call(node)});\n}}\n"

    def _kernel_call(self, node: Node) -> str:
        """The call of a node's kernel but for its end."""
        chosen = self.selection.chosen[node.name]
        kernel = chosen.kernel
        if chosen.packed:
            inputs = [self._pointer(i) for i in node.inputs if i and not self.graph.values[i].constant]
            inputs += [self.names.constant(name) for name, _ in self.selection.packed(self.graph)[node.name]]
        else:
            inputs = [self._pointer(i) for i in node.inputs]
        inputs += ["NULL"] * (kernel.inputs - len(inputs))
        if kernel.variadic:
            inputs = [f"(const void *const[]){{{', '.join(inputs)}}}"]
        arguments = [f"&{self.names.params(node.name)}", *inputs, *map(self._pointer, node.outputs)]
        if kernel.scratch is not no_scratch:
            needed = kernel.scratch(node.op, self.graph.types(node))
            arguments.append(f"{self.name}_arena + {self.names.scratch(node.name)}" if needed else "NULL")
        return _wrapped(arguments, f"    {kernel.symbol}(", " " * (len(kernel.symbol) + 5))

    def _constants(self) -> Iterable[tuple[str, str, Array]]:
        for name in self.selection.plain(self.graph):
            value = self.graph.values[name]
            assert value.data is not None
            data = pack(value.data, value.type) if _packed(value.type) else value.data
            yield f"{c_type(value.type)} {self.names.constant(value.name)}[{max(1, data.size)}]", self._describe(value.type), data
        for packed in self.selection.packed(self.graph).values():
            for name, data in packed:
                kind = f"{_C_TYPES[data.dtype.name]} {self.names.constant(name)}[{max(1, data.size)}]"
                yield kind, "x".join(map(str, data.shape)), data

    def _describe(self, type: Type) -> str:
        return f"{type.dims} packed {type.q.code}" if _packed(type) else type.dims

    def weights_header(self) -> str:
        guard = f"{self.name.upper()}_WEIGHTS_H"
        lines = "".join(f"extern const {text}; /* {dims} */\n" for text, dims, _ in self._constants())
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
target_compile_options({self.name} PRIVATE -O2 -ffp-contract=off -ffunction-sections -fdata-sections)
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


def _fields(fields: Mapping[str, Param]) -> str:
    """The initialisers of a parameter struct; the fields of a member, `window.in_h`, stand together in its braces."""
    lines = []
    for member, keys in groupby(fields, lambda key: key.rpartition(".")[0]):
        texts = [f".{key.rpartition('.')[2]} = {literal(fields[key])}" for key in keys]
        if member:
            first = f"    .{member} = {{"
            lines.append(f"{_wrapped(texts, first, ' ' * len(first))}}},")
        else:
            lines.append(f"{_wrapped(texts, '    ', '    ')},")
    return "\n".join(lines)


def _wrapped(texts: Sequence[str], first: str, others: str) -> str:
    """Texts with commas between them, in lines of at most 120 columns that begin with `first`, then `others`."""
    lines, line = [], first
    for i, text in enumerate(texts):
        piece = text if i + 1 == len(texts) else f"{text},"
        if len(line) + 1 + len(piece) > 120 and line not in (first, others):
            lines.append(line)
            line = others
        line += piece if line in (first, others) else f" {piece}"
    return "\n".join([*lines, line])


def describe_layout(axes: tuple[int, ...]) -> str:
    """The order in which a tensor lies in memory; 'NHWC' when the source has it as NCHW."""
    if axes == tuple(range(len(axes))):
        return "as in the model"
    return "NHWC" if axes == (0, 2, 3, 1) else f"axes {','.join(map(str, axes))} of the model's"
