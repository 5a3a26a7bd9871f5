"""What people read, word for word: the emitted C, the report and the text of a graph, of one small network each.

A change that is meant is written by `pytest tests/test_golden.py --update-golden` and read in the difference.
"""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tapeout.compiler import text
from tapeout.compiler.budget import parse_budgets
from tapeout.compiler.buffers import Inputs
from tapeout.compiler.build import lower
from tapeout.compiler.cli.compile import Job, sha256
from tapeout.compiler.cli.measure import Figures, measure, model_notes, report
from tapeout.compiler.cli.report import show
from tapeout.compiler.ir import Graph
from tapeout.compiler.memory import plan
from tapeout.cosim.measure import Measurement
from tapeout.cosim.profile import Profile
from tapeout.quant.options import QuantizeOptions
from tapeout.targets import find_target
from tapeout.targets.board import load
from tapeout.targets.c.emit import Emitter
from tapeout.targets.c.target import TARGETS
from tapeout.targets.compiled import Compiled
from tapeout.targets.microcontroller.cycles import models
from tapeout.targets.selection import Objective, select
from tests.models import MODELS
from tests.small import CODES, FLOATS, network

Golden = Callable[[str, str], None]


@pytest.mark.parametrize("file", ["small.c", "small.h", "small_arena.h"])
def test_emitted_c(file: str, golden: Golden) -> None:
    graph = network(CODES)
    golden(file, Emitter(graph, plan(graph), select(TARGETS[0], graph), "small").files()[file])


def test_emitted_c_of_floats(golden: Golden) -> None:
    graph = network(FLOATS)
    golden("small_f32.c", Emitter(graph, plan(graph), select(TARGETS[0], graph), "small_f32").files()["small_f32.c"])


def test_graph_as_text(golden: Golden) -> None:
    golden("separable.txt", text.format(lower(MODELS["separable_s8"]()), elide=True))


def profile(multiplies: int) -> Profile:
    """So many turns of a loop that loads two words and multiplies them."""
    classes = {"alu": multiplies, "multiply": multiplies, "load": multiplies, "load_next": multiplies, "branch_taken": multiplies}
    return Profile(5 * multiplies, classes, {"registers_loaded": 0})


def test_report_of_a_board_as_a_table(golden: Golden, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With made-up counts, so that it does not depend on the compiler."""
    stages: dict[str, Graph] = {}
    graph = lower(MODELS["separable_s8"](), dump=stages.__setitem__)
    model = tmp_path / "separable.tflite"
    model.write_bytes(b"")
    board = load("nucleo-l4r5zi")
    job = Job(
        model, "separable", find_target(board.target), board, parse_budgets("latency=50us,energy=5uJ"), {}, None, None, None,
        QuantizeOptions(), True, "y", Inputs.ARENA, tmp_path / "c", Objective.TIME, {},
    )
    compiled = Compiled.write(job.output, job.name, job.target, graph)
    run = Measurement(profile(10), profile(1000), tuple(profile(100 * (i + 1)) for i in range(len(graph.nodes))), 96, "mps2-an386")
    figures = Figures(None, run, None, {"totals.instructions": "made up", **model_notes(models()[board.target], board)}, {}, ())
    show(report(job, compiled, stages["fuse_requant"], figures, sha256(model)))
    golden("report_board.txt", capsys.readouterr().out)


def test_report_as_a_table(golden: Golden, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stages: dict[str, Graph] = {}
    graph = lower(MODELS["separable_s8"](), dump=stages.__setitem__)
    model = tmp_path / "separable.tflite"
    model.write_bytes(b"")  # the report states its name
    job = Job(
        model, "separable", TARGETS[0], None, parse_budgets("arena=1k,macs=1k"), {}, None, None, None, QuantizeOptions(), True,
        "y", Inputs.ARENA, tmp_path / "c", Objective.TIME, {},
    )
    compiled = Compiled.write(job.output, job.name, job.target, graph)
    show(report(job, compiled, stages["fuse_requant"], measure(compiled, None), sha256(model)))
    golden("report.txt", capsys.readouterr().out)
