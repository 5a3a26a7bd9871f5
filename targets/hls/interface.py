"""The top function of a Vitis project whose tensors lie in memory, behind AXI masters: `--interface m_axi`.

hls4ml 1.3 has AXI masters for Vivado HLS alone (its back end VivadoAccelerator), where they carry floats; here they carry codes.
"""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tapeout.compiler.errors import TapeoutError

from .fixed_point import FixedPoint

SUFFIX = "_m_axi"  # of the top function and of its file
_CFLAGS = '-cflags "-std=c++0x"'  # as build_prj.tcl has them
_EDITS = {  # of the scripts that hls4ml writes; its test bench calls the function inside, so that the vendor's co-simulation has none
    "build_prj.tcl": (
        ("set_top ${project_name}\n", f"set_top ${{project_name}}{SUFFIX}\n"),
        (f"add_files firmware/${{project_name}}.cpp {_CFLAGS}\n",
         f"add_files firmware/${{project_name}}.cpp {_CFLAGS}\nadd_files firmware/${{project_name}}{SUFFIX}.cpp {_CFLAGS}\n"),
    ),
    "build_opt.tcl": (("    cosim      1\n", "    cosim      0\n"), ("    validation 1\n", "    validation 0\n")),
    "vivado_synth.tcl": (("-top ${project_name} ", f"-top ${{project_name}}{SUFFIX} "),),
}  # fmt: skip


def word(fixed: FixedPoint) -> str:
    """The C type of an element in memory: the narrowest that holds a code."""
    bits = next(bits for bits in (8, 16, 32, 64) if fixed.width <= bits)
    return f"{'' if fixed.signed else 'u'}int{bits}_t"


_SOURCE = """\
// {name} with its tensors in memory, behind AXI masters: `frames` of them one after another, a code of fixed point in each element, in the
// lowest bits. Written by tapeout beside what hls4ml writes.
#include "{name}.h"
#include <cstdint>

extern "C" void {name}{suffix}({arguments}, int frames) {{
{pragmas}
    #pragma HLS INTERFACE s_axilite port=frames
    #pragma HLS INTERFACE s_axilite port=return
    for (int frame = 0; frame < frames; frame++) {{
{body}
    }}
}}
"""


@dataclass(frozen=True)
class _Port:
    """A tensor of `size` elements: its type in the project, `array` or else a stream of nnet::array, and the format of its elements."""

    name: str
    type: str
    array: bool
    size: int
    fixed: FixedPoint

    @property
    def word(self) -> str:
        return word(self.fixed)

    @property
    def local(self) -> list[str]:
        """Its declaration beside the memory."""
        local = f"{self.name}_local"
        if self.array:
            return [f"{self.type} {local}[{self.size}];", f"#pragma HLS ARRAY_PARTITION variable={local} complete dim=0"]
        return [f"hls::stream<{self.type}> {local};", f"#pragma HLS STREAM variable={local} depth={self.size}"]

    def moved(self, into: bool) -> list[str]:
        """From the memory, or into it."""
        bits, at = f"range({self.fixed.width - 1}, 0)", f"{self.name}[frame * {self.size} + i"
        raw = f"ap_{'' if self.fixed.signed else 'u'}int<{self.fixed.width}>"
        if self.array:
            local = f"{self.name}_local[i].{bits}"
            move = f"{local} = {raw}({at}]);" if into else f"{at}] = {raw}({local});"
            return [f"for (int i = 0; i < {self.size}; i++) {{", f"    {move}", "}"]
        beat = f"beat[lane].{bits}"
        move = f"{beat} = {raw}({at} + lane]);" if into else f"{at} + lane] = {raw}({beat});"
        lanes = ["    for (unsigned lane = 0; lane < beat.size; lane++) {", f"        {move}", "    }"]
        first = [f"    {self.type} beat;"] if into else [f"    {self.type} beat = {self.name}_local.read();"]
        last = [f"    {self.name}_local.write(beat);"] if into else []
        return [f"for (int i = 0; i < {self.size}; i += {self.type}::size) {{", *first, *lanes, *last, "}"]


def write_interface(ports: Sequence[tuple[FixedPoint, int]], inputs: int, name: str, folder: Path) -> None:
    """Adds the top function to the project `name` in `folder`, and makes its scripts build that; `ports` are the formats and sizes of
    its tensors, the first `inputs` of them inputs. Raises TapeoutError when the project is not as hls4ml 1.3 writes it."""
    header = (folder / "firmware" / f"{name}.h").read_text().partition(f"void {name}(")[2].partition(");")[0]
    found = re.findall(r"^ +(?:hls::stream<(\w+)> &(\w+)|(\w+) (\w+)\[)", header, re.MULTILINE)
    if len(found) != len(ports):
        raise TapeoutError(f"--interface m_axi: {name}.h has {len(found)} tensors, not {len(ports)}; this is made for hls4ml 1.3")
    known = [
        _Port(label or argument, stream or type, not stream, size, fixed)
        for (stream, label, type, argument), (fixed, size) in zip(found, ports, strict=True)
    ]
    (folder / "firmware" / f"{name}{SUFFIX}.cpp").write_text(_source(name, known[:inputs], known[inputs:]))
    for file, edits in _EDITS.items():
        text = (folder / file).read_text()
        for old, new in edits:
            if text.count(old) != 1:
                raise TapeoutError(f"--interface m_axi: {file} of this hls4ml has no line {old.strip()!r}; it is made for hls4ml 1.3")
            text = text.replace(old, new)
        (folder / file).write_text(text)


def _source(name: str, inputs: Sequence[_Port], outputs: Sequence[_Port]) -> str:
    ports = [*inputs, *outputs]
    body = [line for port in ports for line in port.local]
    body += [line for port in inputs for line in port.moved(into=True)]
    body += [f"{name}({', '.join(f'{port.name}_local' for port in ports)});"]
    body += [line for port in outputs for line in port.moved(into=False)]
    pragmas = [f"    #pragma HLS INTERFACE m_axi port={p.name} offset=slave bundle={p.name} depth={p.size}" for p in ports]
    arguments = [f"const {port.word} *{port.name}" for port in inputs] + [f"{port.word} *{port.name}" for port in outputs]
    return _SOURCE.format(
        name=name, suffix=SUFFIX, arguments=", ".join(arguments), pragmas="\n".join(pragmas),
        body="\n".join(f"        {line}" for line in body),
    )  # fmt: skip
