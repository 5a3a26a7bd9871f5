"""`tapeout compile`: from a model file to a folder of C, its proof and its report."""
from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import CheckFailed, TapeoutError
from .options import (
    calibration_option,
    design_options,
    improve_option,
    parse_design,
    parse_input_types,
    parse_pins,
    parse_quantize_options,
    parse_shapes,
    parse_training,
    training_options,
    weights_option,
)

if TYPE_CHECKING:
    from tapeout.quant.options import QuantizeOptions
    from tapeout.targets.board import Board
    from tapeout.targets.hardware import DesignOptions, Hardware
    from tapeout.targets.selection import Objective
    from tapeout.targets.strips import Arrangement
    from tapeout.targets.target import Target

    from ..budget import Budget
    from ..buffers import Inputs
    from ..ir import Graph, QType
    from ..report import Report
    from ..training import Training


_HARNESS = ("tapeout", "harness", "port", "node", "hooks", "gaps", "mark", "table")  # its C symbols and headers begin so
_HEADERS = (  # of C99: <name>.h would hide them
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdarg stdbool stddef stdint stdio stdlib "
    "string tgmath time wchar wctype".split()
)

_BESIDE_ARENA = 1024  # bytes of RAM for the stack and other data, for which strips leave room


@dataclass(frozen=True)
class Job:
    """What to compile, for what, and where to."""

    model: Path
    name: str
    target: Target
    board: Board | None
    budgets: tuple[Budget, ...]
    shapes: dict[str, tuple[int, ...]]
    weights: Path | None
    calibration: Path | None
    recipe: str | None
    quantize: QuantizeOptions
    codes_at_ports: bool
    strict: bool
    labels_key: str
    inputs: Inputs
    output: Path
    objective: Objective
    pins: dict[str, str]
    autotune: Path | None = None  # where its counts are kept
    training: Training | None = None
    input_types: Mapping[str, QType] = field(default_factory=dict)
    logits: bool | None = None
    hardware: Hardware | None = None  # a design to write; `target` is then portable C, which the host engines run
    design: DesignOptions | None = None  # how


@click.command("compile")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--target", "target_name", metavar="T", help="What to compile for; see 'tapeout targets'.")
@click.option("--board", "board_name", metavar="B", help="A board: implies its target, and its memory as budgets.")
@click.option("--calibrate", type=click.Path(path_type=Path), metavar="DATA.npz", help="Quantize a float model with these inputs.")
@click.option("--recipe", metavar="R", help="What it becomes: int8 when not given, another ready-made recipe, or a .toml file. "
                                                "Those of floats need no data.")
@calibration_option
@improve_option
@click.option("--io", type=click.Choice(["float", "int8"]), default="float", show_default=True,
              help="Inputs and outputs of a quantized float model.")
@click.option("--input-type", "input_types", multiple=True, metavar="[NAME=]fixed<W,I>",
              help="The format of an input that a quantized model leaves in float; ufixed<W,I> has no sign.")
@click.option("--output-layer", type=click.Choice(["as-is", "logits"]),
              help="Where the network ends: as the model says, or before its final softmax, as designs of hardware do when not told.")
@click.option("--strict/--no-strict", default=True, show_default=True,
              help="Refuse a quantized model in which a node would stay in float.")
@click.option("--labels-key", default="y", show_default=True, help="The array of the calibration file that is no input.")
@click.option("--optimize", type=click.Choice(["time", "size", "ram"]), default="time", show_default=True,
              help="Choose kernels for speed; for flash, weights as wide as their codes; for RAM, scratch that adds nothing to the arena.")
@click.option("--kernel", "kernels", multiple=True, metavar="NODE=SYMBOL", help="Pins the kernel of a node; the report names those chosen.")
@click.option("--autotune", type=click.Path(path_type=Path), metavar="FILE",
              help="Count kernels in QEMU, layer by layer, and choose those with the fewest modelled cycles; FILE keeps the counts.")
@click.option("--kernels", "back_end", type=click.Choice(["own", "cmsis-nn"]), default="own", show_default=True,
              help="Whose kernels come first; CMSIS-NN is the checkout that TAPEOUT_CMSIS_NN names.")
@click.option("--budget", default="", metavar="K=V,...", help="Upper bounds, such as flash=256k,ram=64k,latency=50ms,energy=2mJ.")
@click.option("--shape", "shapes", multiple=True, metavar="NAME=1x28x28x1", help="Fixes the shape of an input.")
@weights_option
@click.option("--name", metavar="N", help="Prefix of files and symbols; else from the model's file name.")
@click.option("--inputs", type=click.Choice(["arena", "kept", "caller"]), default="arena", show_default=True,
              help="Where inputs lie: in the arena, where nodes may overwrite them, or never; or in memory of the caller's.")
@design_options
@training_options
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="DIR",
              help="Folder to write; replaced if tapeout wrote it.")
def command(
    model: Path, target_name: str | None, board_name: str | None, calibrate: Path | None, recipe: str | None, calibration: str,
    improve: str, io: str, input_types: tuple[str, ...], output_layer: str | None, strict: bool, labels_key: str, optimize: str,
    kernels: tuple[str, ...], autotune: Path | None, back_end: str, stream: bool | None, reuse_factor: int | None, strategy: str | None,
    folds: tuple[str, ...], part: str | None, clock_ns: float | None, fifos: tuple[str, ...], weight_memory: str | None,
    budget: str, shapes: tuple[str, ...], weights: Path | None, name: str | None, inputs: str, output: Path,
    training: str | None, loss: str | None, update: str | None, learning_rate: float | None, momentum: float | None,
    weight_decay: float | None, master_weights: bool, loss_scale: float | None, batch: int | None,
    threshold: float | None,
) -> None:
    """Compile MODEL (.onnx, .tflite, .keras, .h5, .pt2 or package.module:factory) to C for a target, run it once, report its cost."""
    from tapeout.targets.selection import Objective

    from ..budget import parse_budgets
    from ..buffers import Inputs

    hardware, options = _design(target_name), parse_design(stream, reuse_factor, strategy, folds, part, clock_ns, fifos, weight_memory)
    target, board, limits = (_portable(), None, ()) if hardware else _destination(target_name, board_name)
    if hardware:
        hardware.check(options)
    elif options != parse_design():
        raise TapeoutError(
            "--stream, --reuse-factor, --strategy, --fold, --part, --clock-ns, --fifo and --weight-memory shape designs;"
            " give --target of hardware"
        )
    if name is not None and not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII):
        raise TapeoutError(f"--name {name!r}: letters, digits and underscores only, a letter first")
    if name in (*_HARNESS, *_HEADERS):
        owner = "co-simulation harness" if name in _HARNESS else "C library"
        raise TapeoutError(f"--name {name!r}: that name is taken by the {owner}; choose another")
    if recipe is not None and calibrate is None and not _needs_no_data(recipe):
        raise TapeoutError(f"--recipe {recipe}: quantization after training needs inputs; give --calibrate DATA.npz")
    if io == "int8" and recipe is not None and _needs_no_data(recipe):
        raise TapeoutError(f"--io int8: recipe {recipe} makes no codes; inputs and outputs stay float32")
    if improve and calibrate is None:
        raise TapeoutError(f"--improve {improve}: quantization after training needs inputs; give --calibrate DATA.npz")
    if training and ((recipe and not _needs_no_data(recipe)) or calibrate or autotune):
        raise TapeoutError("--training: a step is made of floats; leave out --calibrate and --autotune, and recipes of integer codes")
    step = parse_training(training, loss, update, learning_rate, momentum, weight_decay, master_weights, loss_scale, batch, threshold)
    recipe = recipe or ("int8" if calibrate else None)
    report = compile_model(Job(
        model, name or default_name(model), target.backed(back_end), board, (*parse_budgets(budget), *limits), parse_shapes(shapes),
        weights, calibrate, recipe, parse_quantize_options(calibration, improve), io == "int8" or hardware is not None, strict, labels_key,
        Inputs(inputs), output, Objective(optimize), parse_pins(kernels), autotune, step,
        parse_input_types(input_types), None if output_layer is None else output_layer == "logits", hardware, options,
    ))
    from .report import show

    show(report)
    click.echo(f"wrote {output}")
    over = [gate.text() for gate in report.budgets if not gate.met]
    if over:
        raise CheckFailed("; ".join(over))


def default_name(model: Path) -> str:
    """A C identifier like the model's file name, or that of its factory."""
    from ..frontends.converted import is_module

    stem = model.name.rpartition(":")[2] if is_module(model) else model.stem
    name = re.sub(r"\W+", "_", stem, flags=re.ASCII).strip("_").lower() or "model"
    return f"net_{name}" if name[0].isdigit() or name in (*_HARNESS, *_HEADERS) else name


def _design(target_name: str | None) -> Hardware | None:
    from tapeout.targets.hardware import find_hardware

    return find_hardware(target_name) if target_name else None


def _destination(target_name: str | None, board_name: str | None) -> tuple[Target, Board | None, tuple[Budget, ...]]:
    """The target, the board and the budgets that the board's memory implies."""
    from tapeout.targets import find_target
    from tapeout.targets.board import load

    from ..budget import Budget, Quantity

    if board_name is None:
        if target_name is None:
            raise TapeoutError("say what to compile for: --target T or --board B; 'tapeout targets' lists both")
        return find_target(target_name), None, ()
    board = load(board_name)
    if target_name not in (None, board.target):
        raise TapeoutError(f"--board {board.name} has a {board.target}, which is not --target {target_name}")
    source = f"memory of {board.name}"
    return find_target(board.target), board, (
        Budget(Quantity.FLASH, board.flash.bytes, source), Budget(Quantity.RAM, board.ram.bytes, source),
    )


def compile_model(job: Job) -> Report:
    """Runs the whole way and writes the output folder. Raises TapeoutError; a failure leaves no folder and harms none."""
    from tapeout.targets.bundle import Manifest
    from tapeout.targets.compiled import Compiled
    from tapeout.targets.hardware import DesignOptions
    from tapeout.targets.strips import Arrangement

    from .. import text
    from ..build import lower
    from ..frontends import read, readable
    from ..frontends.onnx.load import self_contained
    from ..ir import F32
    from ..passes.drop_softmax import drop_softmax
    from ..passes.expose_codes import expose_codes
    from ..passes.quantize_inputs import quantize_inputs
    from ..staging import check_replaceable, staged
    from .measure import measure, report
    from .training import gain, with_step

    check_replaceable(job.output)
    with readable(job.model, job.shapes, job.weights) as (form, file):
        graph = read(file, job.shapes)
        content = self_contained(file) if form == "onnx" else file.read_bytes()
    floats, cut = _is_float(graph), _ends_at_logits(job, graph)
    graph = quantize_inputs(drop_softmax(graph) if cut else graph, job.input_types)
    if job.recipe:
        graph = _quantized(graph, job, job.recipe)
    if job.hardware:
        _check_inputs_quantized(graph, job.hardware)
    stages: dict[str, Graph] = {}
    lowered = lower(graph, dump=stages.__setitem__, strict=job.strict)
    if job.training:
        exact = {v.name: v.data for v in stages["fuse_clip"].constants() if v.data is not None and v.type.q == F32}
        network, lowered = lowered, with_step(lowered, job.training, exact)
    if job.codes_at_ports:
        lowered = expose_codes(lowered)
    with staged(job.output) as stage:
        model = f"model.{form}"
        (stage / model).write_bytes(content)
        name = job.hardware.name if job.hardware else job.target.name
        Manifest(job.name, name, job.board.name if job.board else None, model, floats and not cut, job.target.back_end).write(stage)
        text.save(lowered, stage)
        arranged = _tuned(job, _arranged(job, lowered))
        if job.target != _portable():
            host = Arrangement(_portable(), lowered, inputs=job.inputs).split(*arranged.regions)
            Compiled.write_arranged(stage / host.target.name, job.name, host)
        compiled = Compiled.write_arranged(stage / job.target.name, job.name, arranged)
        figures = measure(compiled, job.board)
        nominal = lowered if job.training else stages["fuse_requant"]
        found = report(job, compiled, nominal, figures, sha256(job.model if job.model.is_file() else stage / model))
        found = replace(found, warnings=(*found.warnings, *compiled.selection.refused(lowered)))
        if arranged.objective is not job.objective:
            said = f"a budget of RAM or arena is not met with --optimize {job.objective}, so this is compiled with --optimize ram"
            found = replace(found, warnings=(*found.warnings, said))
        if job.training:
            found = replace(found, warnings=(*found.warnings, *gain(network, job.training, compiled)))
        if not floats:
            found = replace(found, warnings=(*found.warnings, *_float_nodes(lowered)))
        if job.hardware:
            _write_design(stage / name, job.hardware, job.name, lowered, job.design or DesignOptions())
            of_c = {key: f"of the C that the host engines run: {note}" for key, note in found.figures.items() if key.startswith("memory")}
            found = replace(found, target=name, figures=found.figures | of_c)
        (stage / "report.json").write_text(found.to_json())
    return found


def _ends_at_logits(job: Job, graph: Graph) -> bool:
    """Whether a final softmax is left out: on demand, and of designs also when nothing is said."""
    from ..ops.softmax import Softmax

    ends = [graph.producer(port.value) for port in graph.outputs]
    return job.logits or (job.logits is None and job.hardware is not None and any(n and isinstance(n.op, Softmax) for n in ends))


def _check_inputs_quantized(graph: Graph, hardware: Hardware) -> None:
    """Raises TapeoutError for an input that a design would have to take as floats."""
    from ..ir import FType
    from ..ops.fake_quantize import FakeQuantize

    readers = graph.consumers()
    for port in graph.inputs:
        floats = isinstance(graph.values[port.value].type.q, FType)
        if floats and not all(isinstance(node.op, FakeQuantize) for node in readers[port.value]):
            raise TapeoutError(
                f"{port.name}: {hardware.name} takes codes, and the model says no format for this input; "
                f"give one, such as --input-type '{port.name}=fixed<16,6>'"
            )


def _arranged(job: Job, graph: Graph) -> Arrangement:
    """The graph with its kernels, and with regions in strips when it is made for RAM or when a budget of RAM or arena asks for it."""
    from tapeout.targets.selection import Objective
    from tapeout.targets.strips import Arrangement, arrange

    from ..budget import Quantity

    whole = Arrangement(job.target, graph, job.objective, job.pins, inputs=job.inputs)
    room = {Quantity.ARENA: 0, Quantity.RAM: _BESIDE_ARENA}
    limits = [budget.limit - room[budget.quantity] for budget in job.budgets if budget.quantity in room]
    if job.training:
        return whole  # what its gradients read must be there as a whole
    if job.objective is Objective.RAM:
        return arrange(whole)
    if not limits or whole.plan.arena_bytes <= min(limits):
        return whole
    return arrange(Arrangement(job.target, graph, Objective.RAM, job.pins, inputs=job.inputs), min(limits))


def _tuned(job: Job, arranged: Arrangement) -> Arrangement:
    """With the kernels that the autotuner chooses, if it is asked for."""
    from tapeout.targets.selection import candidates

    from .autotune import tune

    if job.autotune is None:
        return arranged
    allowed = candidates(job.target, arranged.graph, arranged.objective, arranged.pinned.keys(), job.inputs)
    symbols = {name: [kernel.symbol for _, kernel in kernels] for name, kernels in allowed.items()}
    return replace(arranged, tuned=tune(job.target, arranged.graph, symbols, job.autotune))


def _float_nodes(graph: Graph) -> list[str]:
    """A line for each node of a quantized network that computes in floats."""
    from ..ir import F32
    from ..ops.reshape import Reshape
    from ..ops.transpose import Transpose

    return [
        f"{node.name}: {node.op.label} runs in float32, because no quantizer says otherwise" for node in graph.nodes
        if not isinstance(node.op, Reshape | Transpose)
        and all(t.q == F32 for t in (*graph.output_types(node), *(t for t in graph.types(node) if t)))
    ]


def _is_float(graph: Graph) -> bool:
    """Whether a source model computes in floats throughout: no value holds codes, and no quantizer stands between floats."""
    from ..ir import FType
    from ..ops.fake_quantize import FakeQuantize

    return all(isinstance(v.type.q, FType) for v in graph.values.values()) and not any(isinstance(n.op, FakeQuantize) for n in graph.nodes)


def _portable() -> Target:
    from tapeout.targets import find_target

    return find_target("c")


def _needs_no_data(recipe: str) -> bool:
    from tapeout.quant.recipe import load

    return load(recipe).floats


def _quantized(graph: Graph, job: Job, recipe: str) -> Graph:
    from tapeout.quant.quantize import annotated_blindly, quantize
    from tapeout.quant.recipe import load

    from .. import data

    if job.calibration is None:
        return annotated_blindly(graph, load(recipe))
    samples = data.inputs(graph, data.load(job.calibration), str(job.calibration), job.labels_key)
    return quantize(graph, samples, load(recipe), job.quantize)


def _write_design(folder: Path, hardware: Hardware, name: str, graph: Graph, options: DesignOptions) -> None:
    """Writes a design, with the least depths of its queues when they are asked for, which are then said."""
    from tapeout.cosim.verilator.sizing import exactly

    if options.fifo and (sizing := exactly(graph, options)):
        hardware.write(folder, name, graph, replace(options, fifo=sizing.told()))
        sizing.save(folder)
        click.echo(sizing.text())
    else:
        hardware.write(folder, name, graph, options)


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
