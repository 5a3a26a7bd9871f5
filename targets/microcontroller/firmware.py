"""A compiled network as firmware for a board: the files that a bare board needs, the link, and what it takes of flash and RAM.

The firmware is the network with a main that does nothing but run it: no standard input and output, no heap.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from tapeout.compiler.errors import CheckFailed
from tapeout.compiler.views import alignment

from .. import tools
from ..board import Board
from ..c.literals import c_type
from ..c.names import Names
from ..compiled import Compiled
from ..target import Library
from .family import Family, Microcontroller

FOLDER = Path(__file__).parent
# Floats keep every bit, and the linker drops what is not called.
FLAGS = ("-O2", "-std=c99", "-ffp-contract=off", "-ffunction-sections", "-fdata-sections")
LINK_FLAGS = ("-nostartfiles", "-Wl,--gc-sections")
STACK_BYTES = 1024  # the least that a firmware must leave free


@dataclass(frozen=True)
class Section:
    """A part of the linked program; `bytes` at `address` when it runs."""

    name: str
    bytes: int
    address: int


@dataclass(frozen=True)
class Firmware:
    """A linked program.

    `overflow` says by how many bytes a memory, `flash` or `ram`, is too small for it; `stack_bytes` are the
    frames of a run of the network, as the compiler reports them, without those of the C library.
    """

    elf: Path
    board: Board
    sections: tuple[Section, ...]
    overflow: Mapping[str, int]
    stack_bytes: int = 0

    @property
    def flash_bytes(self) -> int:
        """Code, constants and the initial values of variables."""
        return sum(s.bytes for s in self.sections if s.name != ".bss")

    @property
    def ram_bytes(self) -> int:
        """Variables, the arena among them; without the stack."""
        return sum(s.bytes for s in self.sections if s.name in (".data", ".bss"))

    @property
    def shortage(self) -> str:
        """What the board lacks: `board microbit lacks 4640 bytes of ram`; empty when it lacks nothing."""
        if not self.overflow:
            return ""
        lacks = " and ".join(f"{count} bytes of {region}" for region, count in sorted(self.overflow.items()))
        return f"board {self.board.name} lacks {lacks}"

    def require_fit(self) -> None:
        """Raises CheckFailed when the board's memories are too small."""
        if self.overflow:
            raise CheckFailed(f"{self.elf.stem} does not fit: {self.shortage}")


def core(compiled: Compiled) -> Microcontroller:
    """The target of a network that was compiled for a microcontroller."""
    assert isinstance(compiled.target, Microcontroller), compiled.target.name
    return compiled.target


def files(compiled: Compiled, board: Board) -> dict[str, str]:
    """The text of every file of the `firmware` folder, from which `make` links the same program."""
    name, target = compiled.name, core(compiled)
    family = target.family
    headers = ("-isystem .",) if family.headers else ()
    return {
        "main.c": main(compiled),
        **{path.name: path.read_text() for path in (*family.sources, *family.headers)},
        "memory.ld": memory_script(family, board),
        "Makefile": _fill(
            FOLDER / "Makefile.in", name=name, board=board.name, compiler=family.toolchain.compiler,
            flags=" ".join((*compile_flags(target), *headers)),
            sources=" ".join((f"../{name}.c", f"../{name}_weights.c", "main.c", *(path.name for path in family.sources))),
            link=" ".join((*LINK_FLAGS, *family.toolchain.link_flags)),
            library=_make_library(compiled.selection.library(compiled.graph)),
        ),
    }


def compile_flags(target: Microcontroller) -> tuple[str, ...]:
    """What selects the core and the language."""
    return (*target.family.toolchain.flags, *target.flags, *FLAGS)


def main(compiled: Compiled) -> str:
    """A main that does nothing but run the network; memory of inputs that lie outside of the arena is its own."""
    graph, names = compiled.graph, Names(compiled.graph, compiled.name)
    foreign = {names.argument(p.value): graph.values[p.value].type for p in compiled.plan.foreign(graph)}
    unit = alignment(graph)
    memories = "".join(
        f"\n__attribute__((aligned({unit}))) static {c_type(type)} {argument}[{type.bytes // type.q.dtype.itemsize}];\n"
        for argument, type in foreign.items()
    )
    return _fill(FOLDER / "main.c.in", name=compiled.name, entry=names.entry, inputs=memories, arguments=", ".join(foreign))


def _make_library(library: Library | None) -> str:
    if library is None:
        return ""
    folder = f"$({library.variable})"
    flags = " ".join((f"-isystem {folder}/{library.headers}", *(f"-D{name}" for name in library.defines)))
    sources = "".join(f" \\\n    {folder}/{source}" for source in library.sources)
    return f"CFLAGS += {flags}\nSOURCES +={sources}\n"


def memory_script(family: Family, board: Board) -> str:
    """The linker script with the memories of a board."""
    return _fill(
        family.folder / "memory.ld.in", board=board.name, stack_bytes=str(STACK_BYTES),
        flash_origin=f"{board.flash.origin:#010x}", flash_length=str(board.flash.bytes),
        ram_origin=f"{board.ram.origin:#010x}", ram_length=str(board.ram.bytes),
    )


def build(compiled: Compiled, board: Board | None, folder: Path) -> Firmware:
    """Links the program in `folder`, which must exist, and writes the `firmware` folder beside the compiled sources.

    Without a board, it is for the first board in QEMU that is large enough, or the last. A program that is too
    large for its board is linked all the same, see `Firmware`. Raises MissingTool or ToolFailed.
    """
    beside = compiled.folder / "firmware"
    beside.mkdir(exist_ok=True)
    choice = (board,) if board else core(compiled).qemu_boards
    (beside / "main.c").write_text(main(compiled))
    family = core(compiled).family
    sources = [*model_sources(compiled), beside / "main.c", *family.sources]
    library = compiled.selection.library(compiled.graph)
    objects = compile_objects(core(compiled), sources, folder, [compiled.folder], family.toolchain.stack_flags, library)
    linked = link_where_it_fits(core(compiled), choice, objects, folder / f"{compiled.name}.elf")
    for name, text in files(compiled, linked.board).items():
        (beside / name).write_text(text)
    return replace(linked, stack_bytes=family.toolchain.calls(objects).deepest(Names(compiled.graph, compiled.name).entry))


def model_sources(compiled: Compiled) -> list[Path]:
    return [compiled.folder / f"{compiled.name}.c", compiled.folder / f"{compiled.name}_weights.c"]


def compile_objects(
    target: Microcontroller, sources: Iterable[Path], folder: Path, include: Iterable[Path] = (), flags: Sequence[str] = (),
    library: Library | None = None,
) -> list[Path]:
    """Compiles each C file, then those of a library, to an object file in `folder`. Raises MissingTool or ToolFailed."""
    family = target.family
    command: list[str | Path] = [family.toolchain.compiler, *compile_flags(target), *flags, *(f"-I{path}" for path in include)]
    if family.headers:
        command += ["-isystem", family.folder]
    made: list[tuple[Path, list[str]]] = [(source, []) for source in sources]
    if library:
        command += ["-isystem", library.folder / library.headers]
        silent = ["-w", *(f"-D{name}" for name in library.defines)]  # the warnings of its code are not ours to mend
        made += [(library.folder / source, silent) for source in library.sources]
    objects = [folder / f"{i}_{source.stem}.o" for i, (source, _) in enumerate(made)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda pair: tools.call([*command, *pair[0][1], "-c", pair[0][0], "-o", pair[1]]), zip(made, objects, strict=True)))
    return objects


def link_where_it_fits(
    target: Microcontroller, choice: Sequence[Board], objects: Sequence[Path], elf: Path, flags: Sequence[str] = ()
) -> Firmware:
    """Links for the first of these boards that is large enough; for the last when none is."""
    for board in choice:
        firmware = link(target, board, objects, elf, flags)
        if not firmware.overflow:
            break
    return firmware


def link(target: Microcontroller, board: Board, objects: Sequence[Path], elf: Path, flags: Sequence[str] = ()) -> Firmware:
    """Links object files, a start-up file among them, for the memories of a board. Raises MissingTool or ToolFailed."""
    overflow: dict[str, int] = {}
    try:
        _link(target, board, objects, elf, flags)
    except tools.ToolFailed as error:
        for region, count in re.findall(r"region [`'](\w+)':? overflowed by (\d+) bytes", error.output):
            overflow[region] = max(int(count), overflow.get(region, 0))
        if not overflow:
            raise
        _link(target, _grown(board, overflow), objects, elf, flags)  # so that the sizes are known
    return Firmware(elf, board, sections(target.family, elf), overflow)


def _link(target: Microcontroller, board: Board, objects: Sequence[Path], elf: Path, flags: Sequence[str]) -> None:
    tool, script = target.family.toolchain, elf.with_suffix(".ld")
    script.write_text(memory_script(target.family, board))
    options = [*tool.flags, *target.flags, *LINK_FLAGS, *tool.link_flags, *flags]
    tools.call([tool.compiler, *options, *objects, "-T", script, "-o", elf])


def _grown(board: Board, overflow: Mapping[str, int]) -> Board:
    """The board with as much memory as a program lacks."""
    flash, ram = (replace(m, bytes=m.bytes + overflow.get(name, 0)) for name, m in (("flash", board.flash), ("ram", board.ram)))
    return replace(board, flash=flash, ram=ram)


def sections(family: Family, elf: Path) -> tuple[Section, ...]:
    """The sections of a program that take memory when it runs, without the room that is kept for the stack."""
    found = []
    for line in tools.call([family.toolchain.size, "-A", "-d", elf]).splitlines():
        match = re.fullmatch(r"(\.\w+(?:\.\w+)*) +(\d+) +(\d+)", line.strip())
        if match and match[1] in family.sections and int(match[2]):
            found.append(Section(match[1], int(match[2]), int(match[3])))
    return tuple(found)


def _fill(template: Path, **values: str) -> str:
    """The text of a template with each `@key@` replaced."""
    text = template.read_text()
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text
