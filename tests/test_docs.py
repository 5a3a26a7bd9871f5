"""The generated tables of the documentation say what the code does."""
from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable
from pathlib import Path

from tapeout.compiler import text
from tapeout.compiler.frontends.onnx import ops as onnx_ops
from tapeout.compiler.frontends.tflite.operators import OPERATORS
from tapeout.targets.c.target import KERNELS
from tapeout.targets.target import symbols

ROOT = Path(__file__).resolve().parents[1]


def onnx_names() -> list[str]:
    """The operators that the ONNX frontend reads: the functions of its op files that are named like one."""
    modules = [importlib.import_module(f"{onnx_ops.__name__}.{m.name}") for m in pkgutil.iter_modules(onnx_ops.__path__)]
    return sorted(n for m in modules for n, f in vars(m).items() if n[0].isupper() and inspect.isfunction(f) and f.__module__ == m.__name__)


def table() -> str:
    lines = []
    for file in sorted((ROOT / "compiler" / "ops").glob("[a-z]*.py")):
        op = text.op_class(file.stem)
        kernel = KERNELS / f"{file.stem}.h"
        found = sorted(s for s in symbols(kernel) if re.fullmatch(rf"{file.stem}(_[suf]\d+)+", s)) if kernel.is_file() else []
        said = (inspect.getdoc(op) or "").partition("\n\n")[0].replace("\n", " ").partition(". ")[0].rstrip(".").replace("|", "\\|")
        shown = ", ".join(f"`{s}`" for s in found) or "none, the same bytes"
        lines.append(f"| `{file.stem}` | {shown} | {said} |")
    return f"""\
# Ops

Written by `pytest tests/test_docs.py --update-golden`. Every target inherits the portable kernels; `s8` is int8, `f32` IEEE binary32.

| op | portable kernels | definition |
|---|---|---|
{chr(10).join(lines)}

## What the frontends read

relu, relu6 and clip are the op `clip`; flatten, squeeze and the like are `reshape`; int8 unary functions are `lut`; batch normalization is
folded. What stands in neither list is refused by name.

**ONNX**, float32, opset 8 and later: {", ".join(onnx_names())}; and whatever else is computed from constants and shapes alone.

**TFLite**, int8 and float32: {", ".join(OPERATORS)}.
"""


def test_ops_table(golden: Callable[[str, str], None]) -> None:
    golden(str(ROOT / "docs" / "ops.md"), table())
