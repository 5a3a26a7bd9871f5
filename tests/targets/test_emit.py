"""The emitted C: literals, and what it asks of the compiler that builds it."""
from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import FType, Param, QType
from tapeout.targets import tools
from tapeout.targets.c.literals import elements, literal
from tapeout.targets.c.target import TARGETS
from tapeout.targets.compiled import Compiled
from tests.cases import cases_of
from tests.small import CODES, FLOATS, network

STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wcast-qual", "-Wstrict-prototypes", "-Werror"]


@pytest.mark.parametrize(("value", "text"), [
    (0.1, "0x1.99999ap-4f"), (-0.0, "-0.0f"), (8.0, "8.0f"), (1.03125, "0x1.08p+0f"),
    (math.inf, "INFINITY"), (-math.inf, "-INFINITY"), (-7, "-7"), (-(1 << 31), "(-2147483647 - 1)"),
    ((1, -2), "{1, -2}"), (Rounding.HALF_EVEN, "ROUND_HALF_EVEN"),
])
def test_literals(value: Param, text: str) -> None:
    assert literal(value) == text


@pytest.mark.parametrize("value", [1 << 31, -(1 << 31) - 1, (0, 1 << 31), math.nan])
def test_what_has_no_literal_is_refused(value: Param) -> None:
    with pytest.raises(Unsupported, match=r"a parameter is (-?\d+, beyond the 32 bits|NaN)"):
        literal(value)


def test_constants_stand_sixteen_in_a_line() -> None:
    lines = elements(np.arange(17, dtype=np.int8)).splitlines()
    assert lines == ["    " + ", ".join(map(str, range(16))) + ",", "    16,"]


def test_constants_of_64_bits() -> None:
    assert elements(np.array([-(1 << 63), 1 << 40], np.int64)) == "    INT64_MIN, INT64_C(1099511627776),\n"


def test_packed_constants_take_their_bits_alone(tmp_path: Path) -> None:
    case = next(c for c in cases_of("dense") if c.name == "dense_packed_s8_ternary")
    Compiled.write(tmp_path, "net", TARGETS[0], case.graph)
    weights = case.graph.values["c1"]
    assert weights.type.shape == (5, 33) and weights.type.bytes == 5 * 9
    assert "/* 5x33 packed s2 */\nconst uint8_t net_c1[45] = {" in (tmp_path / "net_weights.c").read_text()
    case = next(c for c in cases_of("dense") if c.name == "dense_b1_bits")
    Compiled.write(tmp_path, "net", TARGETS[0], case.graph)
    header = (tmp_path / "net.h").read_text()
    assert "b1 2x19 as in the model, real = (2 * code - 1) * 1.0, packed */\nstatic inline uint8_t *" in header


@pytest.mark.parametrize("flag", ["-O2", "-ffast-math", "-std=c11", "-std=gnu11"])
@pytest.mark.parametrize("q", [CODES, FLOATS], ids=lambda q: q.code)
@pytest.mark.parametrize("compiler", ["gcc", "arm-none-eabi-gcc"])
def test_only_fast_floats_are_refused(compiler: str, q: QType | FType, flag: str, tmp_path: Path) -> None:
    Compiled.write(tmp_path, "net", TARGETS[0], network(q))
    command = [compiler, *STRICT, flag, "-c", "net.c", "-o", "net.o"]
    if q == FLOATS and flag == "-ffast-math":
        with pytest.raises(tools.ToolFailed, match="floats must be rounded to their own format"):
            tools.call(command, tmp_path)
    else:
        tools.call(command, tmp_path)


def test_floats_of_extended_precision_are_refused(tmp_path: Path) -> None:
    Compiled.write(tmp_path, "net", TARGETS[0], network(FLOATS))
    (tmp_path / "float.h").write_text("#define FLT_EVAL_METHOD 2\n")  # what the x87 has
    with pytest.raises(tools.ToolFailed, match="floats must be rounded to their own format"):
        tools.call(["gcc", *STRICT, "-I.", "-c", "net.c", "-o", "net.o"], tmp_path)


def test_firmware_in_cpp_links_with_it(tmp_path: Path) -> None:
    Compiled.write(tmp_path, "net", TARGETS[0], network(CODES))
    (tmp_path / "main.cpp").write_text(
        '#include "net.h"\nint main() { net_init(); net_input_x()[0] = 1; net_run(); return net_output_y()[0]; }\n'
    )
    flags = ["-std=c++11", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
    tools.call(["arm-none-eabi-g++", *flags, "-c", "main.cpp", "-o", "main.o"], tmp_path)
    names = tools.call(["arm-none-eabi-nm", "-u", "main.o"], tmp_path)
    assert {"net_init", "net_run", "net_arena"} <= set(names.split())
