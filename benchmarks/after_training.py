"""What each way to better weights and biases gives without any training.

    python -m benchmarks.after_training > benchmarks/after_training.md

The float checkpoints of examples/recipes, calibrated with 256 training samples; accuracy and SQNR against the float network on test data,
by the reference interpreter, which C equals in every element.
"""
from __future__ import annotations

import datetime
import sys
import time
from dataclasses import dataclass

import numpy as np

from examples.recipes.tasks import HERE, TASKS, Task
from tapeout.compiler import data
from tapeout.compiler.frontends import read
from tapeout.compiler.ir import Array, Graph
from tapeout.compiler.run import run
from tapeout.quant import Calibration, Improvement, QuantizeOptions, quantize
from tapeout.quant.recipe import load
from tapeout.quant.sensitivity import decibels

RECIPES = ("int8", "w4a8", str(HERE / "uniform4.toml"))
IMPROVEMENTS: tuple[tuple[Improvement, ...], ...] = (
    (), *((i,) for i in Improvement), (Improvement.EQUALIZE, Improvement.CORRECT_BIAS), tuple(Improvement),
)  # fmt: skip
CALIBRATION, TEST = 256, {"mnist": 10_000, "fsdd": 300, "cifar": 1_000}
HEAD = """\
# After training

Measured {date} by `python -m benchmarks.after_training`: what `--improve` gives with no training at all, from {calibration} samples.
A cell is the test accuracy in per cent, and in brackets the signal-to-noise ratio of the outputs against the float network's in decibels.
`4 bits` are 4 bits for the weights of every layer; `w4a8` leaves the first and the last layer 8.
"""


@dataclass(frozen=True)
class Data:
    """A float graph, samples to calibrate it with and to test it on, and its outputs on these."""

    graph: Graph
    calibration: dict[str, Array]
    test: dict[str, Array]
    labels: Array
    wanted: Array

    @classmethod
    def load(cls, task: Task) -> Data:
        graph, splits, count = read(task.checkpoint, {}), task.splits(), TEST[task.name]
        name = graph.inputs[0].name
        calibration, test = (data.inputs(graph, {name: splits[part][0][:n]}, part) for part, n in (("train", CALIBRATION), ("test", count)))
        return cls(graph, calibration, test, splits["test"][1][:count], outputs(graph, test))


def outputs(graph: Graph, samples: dict[str, Array]) -> Array:
    found = run(graph, samples)[graph.outputs[0].value]
    return found.reshape(len(found), -1)


def cell(of: Data, recipe: str, improve: tuple[Improvement, ...]) -> str:
    found = outputs(quantize(of.graph, of.calibration, load(recipe), QuantizeOptions(Calibration.MSE, improve=improve)), of.test)
    return f"{100 * np.mean(found.argmax(1) == of.labels):.2f} ({decibels(of.wanted, found):.1f})"


def table(task: Task) -> str:
    of, begun = Data.load(task), time.monotonic()
    lines = [f"## {task.name}", "", f"Float: {100 * np.mean(of.wanted.argmax(1) == of.labels):.2f} % of {len(of.labels)} samples.", "",
             "| `--improve` | int8 | w4a8 | 4 bits |", "|---|---|---|---|"]  # fmt: skip
    for improve in IMPROVEMENTS:
        lines.append(f"| {','.join(improve) or 'nothing'} | {' | '.join(cell(of, recipe, improve) for recipe in RECIPES)} |")
        print(f"{task.name}: {lines[-1]} {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return "\n".join(lines)


def main() -> None:
    print(HEAD.format(date=datetime.date.today(), calibration=CALIBRATION))
    print("\n\n".join(table(task) for task in TASKS.values()))


if __name__ == "__main__":
    main()
