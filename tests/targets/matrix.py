"""Runs cases through the emitted C: emits all cases of an op as one program, which any runner can build and run."""
from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tapeout.compiler.buffers import Buffer, align
from tapeout.compiler.ir import Array, Graph
from tapeout.compiler.memory import Plan
from tapeout.compiler.views import views
from tapeout.cosim.records import from_bytes, to_bytes
from tapeout.targets.c.emit import Emitter
from tapeout.targets.selection import Selection, select
from tapeout.targets.target import Target
from tests.cases import Case, samples

TOGETHER = 100  # nets of a program
GUARD = 32  # bytes after each buffer that no kernel may touch
STRICT = ["-std=c99", "-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
SANITIZE = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover"]
Runner = Callable[[Path, Sequence[str]], None]  # builds the C files in a folder and runs them there

_MAIN = """\
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif
%s
#ifdef __SANITIZE_ADDRESS__
static int kept(const uint8_t *at, int count) { return (void)at, (void)count, 1; }
#else
/* Whether no kernel has written there. */
static int kept(const uint8_t *at, int count)
{
    while (count > 0 && !*at) {
        at++;
        count--;
    }
    return count == 0;
}
#endif
int main(void)
{
    FILE *in = fopen("inputs.bin", "rb");
    FILE *out = fopen("outputs.bin", "wb");
    if (!in || !out) {
        return 1;
    }
%s
    return fclose(in) | fclose(out);
}
"""


@dataclass(frozen=True)
class Net:
    """A case under one plan, as one network of the program."""

    case: Case
    name: str
    plan: Plan
    selection: Selection


def spread(graph: Graph, scratch: dict[str, int], overwrite: int | None = None, lead: int = 0) -> Plan:
    """A plan in which no two buffers meet; with `overwrite` the sole node's output begins `lead` bytes before that input."""
    buffers: list[Buffer] = []
    offset = 0
    last = len(graph.nodes)
    wanted: list[tuple[str, tuple[str, ...], int]] = [(n, (n,), graph.values[n].type.bytes) for n in graph.input_names]
    wanted += [(n.name, n.outputs, graph.values[n.name].type.bytes) for n in graph.nodes if len(n.outputs) == 1]
    wanted += [(o, (o,), graph.values[o].type.bytes) for n in graph.nodes if len(n.outputs) > 1 for o in n.outputs]
    wanted += [(f"{n}.scratch", (), size) for n, size in scratch.items()]
    for name, values, size in wanted:
        at = offset
        if overwrite is not None and name == graph.nodes[0].inputs[overwrite]:
            at += max(0, lead)
        if overwrite is not None and name == graph.nodes[0].name:
            at = next(b.offset for b in buffers if b.name == graph.nodes[0].inputs[overwrite]) - lead
        buffers.append(Buffer(name, values, size, -1, last, at))
        offset = max(offset, -(-(at + size + GUARD) // 16) * 16)
    return Plan(tuple(buffers), offset, offset)


def nets(cases: Sequence[Case], target: Target) -> list[Net]:
    """Each case by each kernel that runs it, with buffers apart, and once more for every input that the output may overwrite or trail."""
    return [net for case in cases for name, selection in _selections(case, target) for net in _placed(case, name, selection)]


def _selections(case: Case, target: Target) -> Iterator[tuple[str, Selection]]:
    """By the kernel of the op's own name, under the case's name, and by every variant that accepts the node."""
    nodes = [n for n in case.graph.nodes if n.name not in views(case.graph).free]
    own = {n.name: target.kernel(case.graph, n)[1].symbol for n in nodes}
    yield case.name, select(target, case.graph, pins=own)
    for node in nodes:
        for _, kernel in target.variants(case.graph, node):
            if kernel.accepts(case.graph, node) is None:
                yield f"{case.name}_by_{kernel.symbol}", select(target, case.graph, pins={**own, node.name: kernel.symbol})


def _placed(case: Case, name: str, selection: Selection) -> Iterator[Net]:
    scratch, node = selection.scratch(case.graph), case.graph.nodes[0]
    if node.name in views(case.graph).free:
        yield Net(case, name, spread(case.graph, scratch, 0, -views(case.graph).root(node.name)[1]), selection)
    else:
        yield Net(case, name, spread(case.graph, scratch), selection)
    if len(case.graph.nodes) > 1 or node.name in views(case.graph).free:
        return
    for _ in selection.over(case.graph):
        yield Net(case, f"{name}_in_place", spread(case.graph, scratch, 0), selection)
    for lead in selection.trails(case.graph).values():
        yield Net(case, f"{name}_trailing", spread(case.graph, scratch, 0, align(lead)), selection)
    for i in node.op.inplace(case.graph.types(node)):
        if node.inputs[i] in case.graph.input_names:
            yield Net(case, f"{name}_over_{i}", spread(case.graph, scratch, i), selection)


def emit(program: Sequence[Net], folder: Path) -> list[str]:
    """Writes the C of all nets, a main that runs them and its input; returns the C files to build."""
    sources = ["main.c", "constants.c"]
    includes, calls, constants, feed = [], [], [], bytearray()
    for net in program:
        for path, text in Emitter(net.case.graph, net.plan, net.selection, net.name).files().items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        sources.append(f"{net.name}.c")
        constants.append(f'#include "{net.name}_weights.c"\n')
        includes.append(f'#include "{net.name}.h"')
        feeds = samples(net.case)
        count = max((len(a) for a in feeds.values()), default=1)
        calls.append(_call(net, count))
        for i in range(count):
            for name in net.case.graph.input_names:
                feed += to_bytes(feeds[name][i], net.case.graph.values[name].type).tobytes()
    (folder / "main.c").write_text(_MAIN % ("\n".join(includes), "\n".join(calls)))
    (folder / "constants.c").write_text("".join(constants))  # one file, as starting a compiler is what takes its time
    (folder / "inputs.bin").write_bytes(feed)
    return sources


def _call(net: Net, count: int) -> str:
    values = net.case.graph.values
    lines = [f"    {net.name}_init();"]
    end, checks = 0, ""
    for start, after in sorted([*((b.offset, b.offset + b.bytes) for b in net.plan.buffers), (net.plan.arena_bytes, net.plan.arena_bytes)]):
        if start > end:
            lines.append(f"    ASAN_POISON_MEMORY_REGION({net.name}_arena + {end}, {start - end});")
            checks += f"        if (!kept({net.name}_arena + {end}, {start - end})) {{ return 4; }}\n"
        end = max(end, after)
    lines.append(f"    for (int i = 0; i < {count}; i++) {{")
    for name in net.case.graph.input_names:
        size = values[name].type.bytes
        lines.append(f"        if (fread({net.name}_input_{name}(), 1, {size}, in) != {size}) {{ return 2; }}")
    lines.append(f"        {net.name}_run();\n{checks}")
    for name in net.case.graph.output_names:
        lines.append(f"        fwrite({net.name}_output_{name}(), 1, {values[name].type.bytes}, out);")
    return "\n".join([*lines, "    }"])


def results(program: Sequence[Net], folder: Path) -> dict[str, dict[str, Array]]:
    """What the program wrote: the outputs (N, *shape) of each net by value name."""
    data, at = (folder / "outputs.bin").read_bytes(), 0
    found: dict[str, dict[str, Array]] = {}
    for net in program:
        values = net.case.graph.values
        count = max((len(a) for a in samples(net.case).values()), default=1)
        rows: dict[str, list[Array]] = {name: [] for name in net.case.graph.output_names}
        for _ in range(count):
            for name in rows:
                type = values[name].type
                rows[name].append(from_bytes(np.frombuffer(data, np.uint8, type.bytes, at), type, 1)[0])
                at += type.bytes
        found[net.name] = {name: np.stack(r) for name, r in rows.items()}
    assert at == len(data), f"the program wrote {len(data)} bytes, {at} were expected"
    return found


def on_host(folder: Path, sources: Sequence[str], compiler: str = "gcc", flags: Sequence[str] = (*STRICT, *SANITIZE)) -> None:
    """Builds with every warning an error and runs under the sanitizers."""
    for command in ([compiler, *flags, *sources, "-o", "program"], ["./program"]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{command[0]} failed:\n{done.stderr[:4000]}"


def every(net: Net) -> bool:
    return True


def run_cases(
    cases: Sequence[Case], target: Target, folder: Path, runner: Runner = on_host, which: Callable[[Net], bool] = every
) -> dict[str, dict[str, Array]]:
    """The outputs of these nets of the cases, by the net's name, then the value's; in programs that the smallest board has room for."""
    found: dict[str, dict[str, Array]] = {}
    for number, program in enumerate(batched([net for net in nets(cases, target) if which(net)], TOGETHER)):
        (part := folder / f"part{number}").mkdir()
        runner(part, emit(program, part))
        found |= results(program, part)
    return found


def batched(all: Sequence[Net], count: int) -> list[Sequence[Net]]:
    return [all[start : start + count] for start in range(0, len(all), count)]


def difference(got: Array, expected: Array) -> str | None:
    """Says where two arrays differ in their bits; all NaN are equal."""
    bits = f"u{got.dtype.itemsize}"
    same = got.view(bits) == np.ascontiguousarray(expected).view(bits)
    if got.dtype.kind in "fV":  # V is bfloat16
        same |= np.isnan(got) & np.isnan(expected)
    if same.all():
        return None
    where = tuple(int(i) for i in np.argwhere(~same)[0])
    return f"{(~same).sum()} of {same.size} elements differ, first at {where}: C {got[where]!r}, reference {expected[where]!r}"
