"""Recipes compared on the tasks of examples/recipes: flash, RAM, and test accuracy computed by the compiled C.

    python -m benchmarks.recipes > benchmarks/recipes.md       # trains what is missing under build/recipes

Every row is retrained from the same float checkpoint by the same number of epochs, the float control among them. All choices are made on
validation data; the test data is run once, through the C on the host. Differences to the control carry the 95 % interval of McNemar's test.
"""
from __future__ import annotations

import argparse
import datetime
import json
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from examples.recipes.tasks import HERE, TASKS, Task
from tapeout.compiler import data
from tapeout.compiler.budget import Budget, Quantity
from tapeout.compiler.build import lower
from tapeout.compiler.cli.measure import measure
from tapeout.compiler.cli.search import search_bits
from tapeout.compiler.frontends import read
from tapeout.compiler.ir import Graph
from tapeout.cosim.engine import Harnessed, Machine
from tapeout.cosim.host import Host
from tapeout.quant.export import write_qonnx
from tapeout.quant.options import Calibration, QuantizeOptions
from tapeout.quant.quantize import quantize
from tapeout.quant.recipe import Recipe, load
from tapeout.quant.retrain import Retraining
from tapeout.quant.train import Split, TrainOptions, as_split
from tapeout.targets import find_target
from tapeout.targets.compiled import Compiled

TRAINED = HERE / "trained"  # the first seed of every quantized row
BUILD = Path(__file__).resolve().parents[1] / "build" / "recipes"
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Row:
    """One line of the table: a recipe, and whether it is trained."""

    name: str
    recipe: str
    seeds: tuple[int, ...] = (0,)
    trained: bool = True
    rate: float = 1.0  # of the task's learning rate: bits turn over at larger ones


THREE = (0, 1, 2)
CHECKPOINT = Row("float checkpoint", "float", trained=False)
UNIFORM = Row("4 bits in every layer", str(HERE / "uniform4.toml"), THREE)
ROWS = {
    "mnist": (
        CHECKPOINT, Row("float", "float"), Row("int8 after training", "int8", trained=False), Row("int8 retrained", "int8"),
        Row("w4a8", "w4a8"), Row("w2a4", "w2a4"), Row("ternary", "ternary"), Row("binary (BiPer)", "binary", THREE, rate=10.0),
        Row("binary (plain sign)", str(HERE / "sign.toml"), THREE, rate=10.0),
        UNIFORM, Row("mixed, searched", "mixed", THREE),
    ),
    "cifar": (
        CHECKPOINT, Row("float", "float"), Row("int8 after training", "int8", trained=False), Row("int8 retrained", "int8"),
        Row("w4a8", "w4a8"), Row("4 bits in every layer", UNIFORM.recipe),
    ),
}  # fmt: skip
ROWS["fsdd"] = (
    *ROWS["mnist"],
    Row("binary weights (BiPer), 8-bit activations", str(HERE / "biper_weights.toml"), THREE, rate=10.0),
    Row("binary weights (plain sign), 8-bit activations", str(HERE / "sign_weights.toml"), THREE, rate=10.0),
)
DUELS = (
    ("mixed, searched", UNIFORM.name), ("binary (BiPer)", "binary (plain sign)"),
    ("binary weights (BiPer), 8-bit activations", "binary weights (plain sign), 8-bit activations"),
)  # fmt: skip
HEAD = """\
# Recipes compared

Measured {date} by `make recipes`. Every row but `float checkpoint` and `int8 after training`, which are not trained, starts from that
checkpoint and is retrained by the same steps, the float control among them; binary rows learn ten times as fast, which is the best rate
of 2.5, 5, 10 and 20 times for BiPer as for plain signs. Choices are made on validation data. Accuracy is that of the compiled C on the
host over the whole test set; flash, RAM and instructions of one inference are those of the build for a Cortex-M4, measured in the ELF and
in QEMU. Differences carry the 95 % interval of McNemar's test on the same samples; where there are three seeds the table has their mean,
and the sizes of the first. `mixed` is searched under the flash that 4 bits in every layer take, rounded up to a whole KiB.
"""
OPTIONS = {
    "mnist": TrainOptions(epochs=3, batch=128, learning_rate=1e-3, weight_decay=1e-2, distill=0.5),
    "fsdd": TrainOptions(epochs=15, batch=64, learning_rate=1e-3, weight_decay=1e-2, distill=0.5),
    "cifar": TrainOptions(epochs=4, batch=128, learning_rate=5e-4, weight_decay=1e-2, augment=("flip", "crop")),
}


def split(task: Task, name: str) -> tuple[Array, Array]:
    x, y = task.splits()[name]
    return x, y


def trained(task: Task, row: Row, seed: int) -> tuple[Graph, dict[str, Any]]:
    """The quantized network of a row, and what is to be told of it."""
    graph = read(task.checkpoint, {})
    port = graph.inputs[0]
    splits = {n: as_split(port.from_source(x.reshape(len(x), *data.source_shape(port, graph.values[port.value].type)))[:, 0], y)
              for n, (x, y) in task.splits().items()}  # fmt: skip
    options = OPTIONS[task.name]
    options = TrainOptions(**{**vars(options), "seed": seed, "learning_rate": row.rate * options.learning_rate,
                             "distill": 0.0 if row.recipe == "float" else options.distill})  # fmt: skip
    recipe = load(row.recipe)
    begun = time.monotonic()
    if not row.trained:
        samples = splits["train"].batch(torch.arange(256))[:, None].numpy()
        return quantize(graph, {port.value: samples}, recipe, QuantizeOptions(Calibration.MSE)), {"minutes": 0.0, "val": None}
    told: dict[str, Any] = {}
    if recipe.searched:
        recipe, told["bits"] = searched(task, graph, recipe, splits["train"])
    run = Retraining.prepare(graph, recipe, splits["train"], splits["val"], options)
    folder = BUILD / task.name
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / f"{file_of(row, seed)}.pt"
    run.train(checkpoint, checkpoint.is_file(), lambda epoch, step, loss: None)
    result = run.result()
    return result.graph, {**told, "minutes": (time.monotonic() - begun) / 60, "val": result.after}


def kept_as(task: Task, row: Row) -> str:
    """The file of a row's first seed in examples/recipes/trained."""
    return f"{task.name}_{re.sub('[^a-z0-9]+', '_', row.name.lower()).strip('_')}.onnx"


def searched(task: Task, graph: Graph, recipe: Recipe, part: Split) -> tuple[Recipe, list[int]]:
    """The recipe with bits as `tapeout retrain` searches them, under the flash of 4 bits in every layer rounded up to a whole KiB."""
    uniform = json.loads((BUILD / task.name / f"{file_of(UNIFORM, 0)}.json").read_text())
    found = search_bits(graph, recipe, part, Budget(Quantity.FLASH, -(-uniform["flash"] // 1024) * 1024), "cortex-m4")
    print(found.table(), file=sys.stderr)
    return found.recipe, list(found.chosen.bits)


def file_of(row: Row, seed: int) -> str:
    """What the files of a row are called."""
    return f"{row.name}-{seed}".replace(" ", "_")


def measured(task: Task, row: Row, seed: int) -> dict[str, Any]:
    """Trains, compiles for a Cortex-M4, runs the C on the host on the test data; kept under build/recipes."""
    path = BUILD / task.name / f"{file_of(row, seed)}.json"
    if path.is_file():
        found: dict[str, Any] = json.loads(path.read_text())
        return found
    graph, told = trained(task, row, seed)
    if seed == 0 and row.trained and row.recipe != "float":
        write_qonnx(graph, TRAINED / kept_as(task, row))
    lowered = lower(graph)
    folder = BUILD / task.name / path.stem
    compiled = Compiled.write(folder / "cortex-m4", "net", find_target("cortex-m4"), lowered)
    figures = measure(compiled, None)
    assert figures.built and figures.run
    x, y = split(task, "test")
    port = lowered.inputs[0]
    inputs = data.inputs(lowered, {port.name: x}, "test data")
    host = Compiled.write(folder / "c", "net", find_target("c"), lowered)
    machine: Machine = Host()
    (outputs,) = Harnessed("host", machine).run(host, inputs).values()
    predictions = outputs.reshape(len(y), -1).argmax(axis=1)
    found = {
        **told, "accuracy": float((predictions == y).mean()), "right": "".join(map(str, (predictions == y).astype(int))),
        "weights": sum(v.type.bytes for v in lowered.constants()), "flash": figures.built.flash_bytes,
        "ram": figures.built.ram_bytes + figures.run.stack_bytes, "arena": compiled.plan.arena_bytes,
        "instructions": figures.run.run_instructions,
    }  # fmt: skip
    path.write_text(json.dumps(found))
    return found


def interval(row: str, control: str) -> tuple[float, float]:
    """The difference of two accuracies on the same samples in points, and half of its 95 % interval (McNemar, normal approximation)."""
    gained = sum(a == "1" and b == "0" for a, b in zip(row, control, strict=True))
    lost = sum(a == "0" and b == "1" for a, b in zip(row, control, strict=True))
    n = len(row)
    spread = 1.96 * np.sqrt(max(gained + lost - (gained - lost) ** 2 / n, 0)) / n
    return 100 * (gained - lost) / n, 100 * float(spread)


def table(task: Task, rows: dict[str, list[dict[str, Any]]]) -> str:
    options = OPTIONS[task.name]
    control = rows["float"][0]["right"]
    minutes = sum(r["minutes"] for found in rows.values() for r in found)
    lines = [
        f"## {task.name}", "",
        f"{options.epochs} epochs each, batches of {options.batch}, learning rate {options.learning_rate:g}, "
        f"distillation {options.distill:g}; {minutes:.0f} minutes of training in all on one core; {len(control)} test samples.", "",
        "| recipe | flash B | weights and constants B | RAM B | instructions, M4 | test accuracy % | against the float control, points |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, found in rows.items():
        first = found[0]
        accuracies = [100 * r["accuracy"] for r in found]
        mean = f"{np.mean(accuracies):.2f}" + (f" ({', '.join(f'{a:.2f}' for a in accuracies)})" if len(found) > 1 else "")
        differences = [interval(r["right"], control) for r in found]
        difference, half = np.mean(differences, axis=0)
        against = "" if name == "float" else f"{difference:+.2f} ± {half:.2f}"
        bits = f", bits {' '.join(map(str, first['bits']))}" if first.get("bits") else ""
        sizes = " | ".join(f"{first[key]:,}" for key in ("flash", "weights", "ram", "instructions"))
        lines.append(f"| {name}{bits} | {sizes} | {mean} | {against} |")
    return "\n".join(lines)


def duel(name: str, other: str, rows: dict[str, list[dict[str, Any]]]) -> str:
    """Two recipes seed by seed on the same samples."""
    found = [interval(a["right"], b["right"]) for a, b in zip(rows[name], rows[other], strict=True)]
    each = ", ".join(f"{difference:+.2f} ± {half:.2f}" for difference, half in found)
    return f"{name} against {other}, points by seed: {each}; mean {np.mean([d for d, _ in found]):+.2f}."


def report(task: Task) -> str:
    """Trains and measures what is missing; the tables of a task."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in ROWS[task.name]:
        rows[row.name] = []
        for seed in row.seeds:
            rows[row.name].append(measured(task, row, seed))
            last = rows[row.name][-1]
            print(f"{task.name}, {row.name}, seed {seed}: {100 * last['accuracy']:.2f} %, {last['minutes']:.1f} min", file=sys.stderr)
    duels = [duel(name, other, rows) for name, other in DUELS if name in rows and other in rows]
    return "\n\n".join([table(task, rows), *duels])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", choices=sorted(ROWS), action="append", help="all when not given")
    torch.set_num_threads(1)
    reports = [report(TASKS[name]) for name in parser.parse_args().task or TASKS]
    print(HEAD.format(date=datetime.date.today()))
    print("\n\n".join(reports))


if __name__ == "__main__":
    main()
