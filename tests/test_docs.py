"""The generated tables of the documentation say what the code does."""
from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tapeout.compiler import text
from tapeout.compiler.build import lower
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.frontends.onnx import ops as onnx_ops
from tapeout.compiler.frontends.tflite.operators import OPERATORS
from tapeout.compiler.ir import Graph
from tapeout.compiler.views import views
from tapeout.quant.export import write_qdq, write_qonnx
from tapeout.quant.mixed import BITS
from tapeout.quant.options import QuantizeOptions
from tapeout.quant.quantize import annotated_blindly, quantize
from tapeout.quant.recipe import Encoding, Recipe, TensorRecipe, load, ready_made
from tapeout.targets import all_targets
from tapeout.targets.c.target import KERNELS
from tapeout.targets.target import Target, symbols
from tests.documents import with_part
from tests.quant.float_nets import network, samples

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
        found = sorted(s for s in symbols(kernel) if re.fullmatch(rf"{file.stem}(_(s|u|f|bf)\d+)+(_fma)?", s)) if kernel.is_file() else []
        said = (inspect.getdoc(op) or "").partition("\n\n")[0].replace("\n", " ").partition(". ")[0].rstrip(".").replace("|", "\\|")
        shown = ", ".join(f"`{s}`" for s in found) or "none, the same bytes"
        lines.append(f"| `{file.stem}` | {shown} | {said} |")
    return f"""\
# Ops

Written by `pytest tests/test_docs.py --update-golden`. Every target inherits the portable kernels; `s8` is int8, `f32` IEEE binary32, `f16`
binary16, `bf16` bfloat16, and `fma` that steps of sums are fused, in f16 or f32; see [numbers.md](numbers.md).

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


# the ready-made recipes

RECIPES = (
    "int8", "int8-sym", "w4a8", "w8a16", "w2a4", "ternary", "binary", "mixed", "fixed<8,3>", "fixed<16,6>", "fp16", "fp16-fma", "bf16",
    "fp32-fma", "float",
)
_WORDS = {
    Encoding.TERNARY: "-s, 0, +s", Encoding.BINARY: "1 bit, the sign", Encoding.BIPER: "1 bit, of a sine",
    Encoding.F32: "float32", Encoding.F16: "binary16", Encoding.BF16: "bfloat16",
}  # fmt: skip


def bits_of(tensor: TensorRecipe) -> str:
    return _WORDS.get(tensor.encoding, f"{tensor.bits} bits")


def weights_in_words(recipe: Recipe) -> str:
    w = recipe.default.weights
    if w.encoding in (Encoding.F32, Encoding.F16, Encoding.BF16):
        sums = f"sums in {_WORDS[recipe.default.accumulator]}" if w.encoding is not Encoding.F32 else "fused sums" * recipe.default.fused
        return ", ".join(filter(None, (bits_of(w), sums)))
    bits = f"{min(BITS)} to {max(BITS)} bits" if recipe.searched else bits_of(w)
    return f"{bits}, {f'scale 2^{w.integer_bits - w.bits}' if w.integer_bits is not None else f'a scale per {w.granularity}'}"


def activations_in_words(a: TensorRecipe) -> str:
    if a.encoding is not Encoding.INTEGER:
        return bits_of(a)
    unsigned = ", unsigned where nothing is negative" if a.symmetric and not a.signed else ""
    fixed = f"scale 2^{a.integer_bits - a.bits}" if a.integer_bits is not None else f"{'no ' * a.symmetric}zero point"
    return f"{bits_of(a)}, {fixed}{unsigned}"


def ends_in_words(recipe: Recipe) -> str:
    """What the input, the first and the last layer have otherwise."""
    plain, said = recipe.default, []
    if (own := recipe.layer("?", "input")).activations != plain.activations:
        said.append(f"input {activations_in_words(own.activations)}")
    for name in ("first", "last"):
        own = recipe.layer("?", "", (f"@{name}",))
        if own.weights != plain.weights:
            assert own.weights == replace(plain.weights, encoding=own.weights.encoding, bits=own.weights.bits), "no other key is told"
            said.append(f"{name} layer's weights {bits_of(own.weights)}")
        if own.activations != plain.activations:
            said.append(f"{name} layer's result {activations_in_words(own.activations)}")
    return "; ".join(said)


def refusal(action: Callable[..., object], *arguments: object) -> str:
    """Why something is refused, empty when it is not."""
    try:
        action(*arguments)
    except TapeoutError as error:
        return str(error)
    return ""


def needs(recipe: Recipe) -> str:
    """As `tapeout quantize` says it, and `tapeout compile` for floats."""
    if recipe.floats:
        return "nothing"
    said = refusal(quantize, network(residual=True), {"x": samples()}, recipe, QuantizeOptions())
    assert not said or "use tapeout retrain" in said
    return "search and retraining" if "search" in said else "retraining" if said else "calibration data"


def runs_on(recipe: Recipe) -> str:
    """The targets that have every kernel of the network, or else of one without additions and pooling, or why none does."""
    whole, layers = (able(annotated_blindly(graph, recipe)) for graph in (network(residual=True), network(pool=False)))
    return layers if layers == whole else f"{layers} without additions and pooling"


def able(annotated: Graph) -> str:

    def kernels(target: Target) -> None:
        lowered = lower(annotated)
        for node in lowered.nodes:
            if node.name not in views(lowered).free:
                target.kernel(lowered, node)

    refused = {target.name: refusal(kernels, target) for target in all_targets()}
    names = [name for name, said in refused.items() if not said]
    if not names:
        return f"none: {refused['c'].partition(': ')[2]}"
    return "every target" if len(names) == len(refused) else ", ".join(names)


def recipes_table(folder: Path) -> str:
    lines = ["| recipe | weights | activations | first and last layer | needs | runs on | files |", "|---|---|---|---|---|---|---|"]
    for name in RECIPES:
        recipe = load(name)
        annotated = annotated_blindly(network(residual=True), recipe)
        files = [form for form, write in (("QONNX", write_qonnx), ("QDQ", write_qdq)) if not refusal(write, annotated, folder / "net.onnx")]
        words = weights_in_words(recipe), activations_in_words(recipe.default.activations), ends_in_words(recipe) or "alike"
        lines.append(f"| `{name}` | {' | '.join((*words, needs(recipe), runs_on(recipe), ', '.join(files) or 'none'))} |")
    return "\n".join(lines)


def test_recipes_table(golden: Callable[[str, str], None], tmp_path: Path) -> None:
    assert {*RECIPES, "fixed<W,I>"} == {*ready_made(), "fixed<8,3>", "fixed<16,6>"}
    page = ROOT / "docs" / "recipes.md"
    golden(str(page), with_part(page, "recipes", recipes_table(tmp_path)))
