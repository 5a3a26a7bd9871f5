"""The solver beside TensorFlow, each in a process of its own, as a crash would take the tests along."""
from __future__ import annotations

import subprocess
import sys

import pytest

SOLVE = """
model = cp_model.CpModel()
x = [model.new_bool_var(str(i)) for i in range(12)]
model.add(sum(x) <= 5)
model.maximize(sum((i + 1) * v for i, v in enumerate(x)))
solver = cp_model.CpSolver()
assert solver.solve(model) == cp_model.OPTIMAL and solver.objective_value == 50
print("solved")
"""
DEEP = "from tapeout.compiler.cp_sat import load_cp_model\ncp_model = load_cp_model()"
PLAIN = "from ortools.sat.python import cp_model"


def run(*lines: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", "\n".join([*lines, SOLVE])], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("before", ["", "import tensorflow"])
def test_solves_whatever_is_loaded(before: str) -> None:
    done = run(before, DEEP)
    assert (done.returncode, done.stdout) == (0, "solved\n"), done.stderr


def test_a_plain_import_behind_tensorflow_crashes() -> None:
    """Else the module could go."""
    assert run("import tensorflow", PLAIN).returncode == -11


def test_flags_are_as_before() -> None:
    done = run("import sys; flags = sys.getdlopenflags()", DEEP, "assert sys.getdlopenflags() == flags")
    assert done.returncode == 0, done.stderr
