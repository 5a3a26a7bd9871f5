"""Which engine honours which rounding: the table of docs/recipes.md, each cell found by running that engine on exact halves."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from math import floor
from pathlib import Path

import hls4ml
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from da4ml.trace import FixedVariableArrayInput, comb_trace
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.util.cleanup import cleanup_model

from tapeout.compiler.build import lower
from tapeout.compiler.errors import TapeoutError, Unsupported
from tapeout.compiler.fixed import Rounding, multiplier
from tapeout.compiler.ir import F32, Array, Builder, Graph, Port, QType, Type, verify
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.run import run
from tapeout.compiler.window import Window
from tapeout.cosim.host import HOST
from tapeout.quant.exact import ExactNetwork
from tapeout.quant.export import write_qdq, write_qonnx
from tapeout.quant.layers import Network
from tapeout.quant.options import QuantizeOptions
from tapeout.quant.placement import place
from tapeout.quant.quantize import calibrated, quantize, quantizers
from tapeout.quant.recipe import Recipe, parse
from tapeout.targets import find_target
from tapeout.targets.compiled import Compiled
from tests.documents import DOCS, with_part

pytestmark = pytest.mark.usefixtures("one_thread")

QUARTERS = range(-30, 31)  # every kind below rounds these divided by 4
KINDS = {
    "inputs": "inputs",
    "sums": "layers",
    "few": "layers with results of 4 bits",
    "additions": "additions",
    "averages": "average pooling",
}
STEPS = {"inputs": 1, "sums": 4, "few": 4, "additions": 8, "averages": 1}  # a code of the result in reals


def rounded(n: int, rule: Rounding) -> int:
    """n / 4 by a rule, in whole numbers."""
    match rule:
        case Rounding.HALF_UP:
            return (n + 2) // 4
        case Rounding.HALF_EVEN:
            return round(n / 4)
        case Rounding.HALF_AWAY:
            return (abs(n) + 2) // 4 * (1 if n > 0 else -1)
        case Rounding.FLOOR:
            return floor(n / 4)
        case Rounding.TFLITE:  # n / 2 half up, then that / 2 half away from zero
            once = (n + 1) // 2
            return (abs(once) + 1) // 2 * (1 if once > 0 else -1)


def network(kind: str) -> Graph:
    build = Builder()
    if kind == "averages":
        build.input("x", Type((1, 2, 2, 1), F32))
        build.add(AveragePool2D(Window((2, 2))), ["x"], "y")
    elif kind == "additions":
        build.input("x", Type((1, 1), F32))
        build.add(Add(), ["x", "x"], "y")
    else:
        build.input("x", Type((1, 1), F32))
        build.add(Dense(), ["x", build.constant("w", np.ones((1, 1), np.float32)), ""], "y")
    ports = [Port(n, n, "float32", tuple(range(len(build.values[n].type.shape)))) for n in ("x", "y")]
    return verify(Graph("net", (ports[0],), (ports[1],), tuple(build.nodes), build.values))


def samples(kind: str) -> Array:
    n = np.array(QUARTERS, np.float32)
    if kind == "averages":
        return np.stack([n, 0 * n, 0 * n, 0 * n], 1).reshape(-1, 1, 2, 2, 1)
    return (n / 4 if kind == "inputs" else n).reshape(-1, 1, 1)


def recipe(kind: str, rounding: Rounding) -> Recipe:
    """Codes are whole numbers, but for results with steps of 4 or 8."""
    whole = {"bits": 8, "integer_bits": 8, "symmetric": True, "granularity": "tensor"}
    bits = 4 if kind == "few" else 8
    result = {"bits": bits, "integer_bits": bits + STEPS[kind].bit_length() - 1}
    ops = ["dense", "add", "average_pool2d"]
    rules = [{"types": ops, "activations": result}, {"types": ["input"] if kind == "inputs" else ops, "rounding": rounding.value}]
    return parse({"weights": whole, "activations": whole, "rounding": "half_even", "rules": rules}, "exact halves")


@cache
def annotated(kind: str, rounding: Rounding) -> Graph:
    return quantize(network(kind), {"x": samples(kind)}, recipe(kind, rounding), QuantizeOptions())


def by_reference(kind: str, rounding: Rounding, folder: Path) -> Array:
    lowered = lower(annotated(kind, rounding))
    return run(lowered, {"x": samples(kind)})[lowered.output_names[0]]


def by_c(kind: str, rounding: Rounding, folder: Path) -> Array:
    compiled = Compiled.write(folder / "c", "net", find_target("c"), lower(annotated(kind, rounding)))
    return HOST.run(compiled, {"x": samples(kind)})[compiled.graph.output_names[0]]


def by_training(kind: str, rounding: Rounding, folder: Path) -> Array:
    graph, chosen, x = network(kind), recipe(kind, rounding), {"x": samples(kind)}
    simple, ranges = calibrated(graph, x, chosen, QuantizeOptions())
    places = place(simple, chosen)
    net = Network(simple, places, quantizers(simple, places, ranges)).eval()
    with torch.no_grad():
        return np.asarray(net(torch.from_numpy(x["x"][:, 0]))[0].numpy())


def by_exact(kind: str, rounding: Rounding, folder: Path) -> Array:
    return np.asarray(ExactNetwork(annotated(kind, rounding))(torch.from_numpy(samples(kind)[:, 0]))[0].numpy())


def by_onnxruntime(kind: str, rounding: Rounding, folder: Path) -> Array:
    write_qdq(annotated(kind, rounding), folder / "net.onnx")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(folder / "net.onnx"), options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"x": row})[0] for row in samples(kind)])


def by_qonnx(kind: str, rounding: Rounding, folder: Path) -> Array:
    write_qonnx(annotated(kind, rounding), folder / "net.onnx")
    model = ModelWrapper(str(folder / "net.onnx"))
    return np.concatenate([execute_onnx(model, {"x": row})["y"] for row in samples(kind)])


def by_hls4ml(kind: str, rounding: Rounding, folder: Path) -> Array:
    return hls4ml_simulation(folder.parents[1])[kind, rounding]


@cache
def hls4ml_simulation(folder: Path) -> dict[tuple[str, Rounding], Array]:
    """The C simulation of one project of all networks side by side, as each compilation takes seconds."""
    cells = [(kind, rounding) for kind in TRIED[by_hls4ml] for rounding in ROUNDINGS]
    whole = onnx.ModelProto()
    for kind, rounding in cells:
        write_qonnx(annotated(kind, rounding), folder / "net.onnx")
        whole.MergeFrom(onnx.compose.add_prefix(onnx.load(folder / "net.onnx"), f"{kind}_{rounding}_"))
    del whole.opset_import[2:]
    network = cleanup_model(ModelWrapper(whole))
    config = hls4ml.utils.config_from_onnx_model(network, "name", backend="Vivado", default_precision="fixed<24,12>")
    project = hls4ml.converters.convert_from_onnx_model(network, str(folder / "hls"), "net", hls_config=config, backend="Vivado")
    project.compile()
    return dict(zip(cells, project.predict([samples(kind).reshape(-1, 1) for kind, _ in cells]), strict=True))


MODES = {Rounding.HALF_UP: "RND", Rounding.HALF_AWAY: "RND_INF", Rounding.HALF_EVEN: "RND_CONV", Rounding.FLOOR: "TRN"}  # as in ap_fixed


def by_da4ml(kind: str, rounding: Rounding, folder: Path) -> Array:
    """The same formats traced; da4ml reads no files of ours."""
    rows = samples(kind).reshape(len(QUARTERS), -1)
    read = FixedVariableArrayInput(rows.shape[1])
    x = read.quantize(1, 5, 2)
    exact = {"averages": lambda: np.mean(x), "additions": lambda: x[0] + x[0]}.get(kind, lambda: x[0])()
    whole, step = 3 if kind == "few" else 7, STEPS[kind].bit_length() - 1
    try:
        y = exact.quantize(1, whole + step, -step, "SAT", MODES[rounding])
    except AssertionError:
        raise Unsupported(f"da4ml has no {MODES[rounding]}") from None
    return np.asarray(comb_trace(read, y).predict(rows))


Engine = Callable[[str, Rounding, Path], Array]
ENGINES: dict[str, Engine] = {
    "reference": by_reference,
    "C on the host": by_c,
    "retraining": by_training,
    "its exact model": by_exact,
    "QDQ in onnxruntime": by_onnxruntime,
    "QONNX in the qonnx executor": by_qonnx,
    "QONNX in hls4ml, its C simulation": by_hls4ml,
    "da4ml": by_da4ml,
}
TRIED: dict[Engine, tuple[str, ...]] = {by_hls4ml: ("inputs", "sums", "few")}  # where not every kind is


ROUNDINGS = [r for r in Rounding if r is not Rounding.TFLITE]


def cell(engine: Engine, kind: str, rounding: Rounding, folder: Path) -> str:
    """`yes`, or the rule that the engine follows in its place, or `refused`."""
    folder.mkdir(parents=True)
    try:
        found = engine(kind, rounding, folder)
    except TapeoutError as error:
        assert str(error) and "\n" not in str(error)
        return "refused"
    codes = found.reshape(-1).astype(np.float64) / STEPS[kind]
    low, high = (-8, 7) if kind == "few" else (-128, 127)
    followed = [r for r in Rounding if all(codes == [min(max(rounded(n, r), low), high) for n in QUARTERS])]
    assert len(followed) == 1, f"{kind} asked for {rounding}: {codes}"
    return "yes" if followed == [rounding] else followed[0].value


def rows(engine: Engine, folder: Path, tried: Iterable[str]) -> list[str]:
    """The lines of an engine but for its name; kinds that it treats alike share one."""
    kinds: dict[tuple[str, ...], list[str]] = {}
    for kind in tried:
        kinds.setdefault(tuple(cell(engine, kind, r, folder / kind / r) for r in ROUNDINGS), []).append(KINDS[kind])
    return [f"{'everything' if len(of) == len(KINDS) else ', '.join(of)} | {' | '.join(cells)} |" for cells, of in kinds.items()]


def test_table(golden: Callable[[str, str], None], tmp_path: Path) -> None:
    """Engines that are alike share their lines."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for i, (name, engine) in enumerate(ENGINES.items()):
        alike.setdefault(tuple(rows(engine, tmp_path / str(i), TRIED.get(engine, KINDS))), []).append(name)
    heading = [f"| engine | of | {' | '.join(ROUNDINGS)} |", "|---" * (2 + len(ROUNDINGS)) + "|"]
    lines = [f"| {', '.join(names)} | {row}" for found, names in alike.items() for row in found]
    golden(str(DOCS / "recipes.md"), with_part(DOCS / "recipes.md", "roundings", "\n".join([*heading, *lines])))


@pytest.mark.parametrize("followed", Rounding)
def test_an_engine_that_follows_another_rule_is_told_by_it(followed: Rounding, tmp_path: Path) -> None:
    """Exact halves, and quarters, tell all rules apart."""

    def wrong(kind: str, rounding: Rounding, folder: Path) -> Array:
        return np.array([4 * rounded(n, followed) for n in QUARTERS])

    assert cell(wrong, "sums", followed, tmp_path / "a") == "yes"
    other = Rounding.FLOOR if followed is not Rounding.FLOOR else Rounding.HALF_UP
    assert cell(wrong, "sums", other, tmp_path / "b") == followed


def test_an_engine_that_follows_no_rule_is_no_cell(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="sums asked for half_up"):
        cell(lambda *_: np.array([4 * -(-n // 4) for n in QUARTERS]), "sums", Rounding.HALF_UP, tmp_path / "a")


def test_the_rounding_of_tflite_is_that_of_products_in_the_reference_and_in_c(tmp_path: Path) -> None:
    build = Builder()
    build.input("x", Type((1, 1), QType(32, True, (1.0,))))
    mul, shift = multiplier(0.25)
    constants = build.constant("mul", np.array([mul], np.int32)), build.constant("shift", np.array([shift], np.int8))
    build.add(Requant(QType(8, True, (4.0,)), Rounding.TFLITE), ["x", *constants], "y")
    ports = [Port(n, n, "int32" if n == "x" else "int8", (0, 1)) for n in ("x", "y")]
    graph = verify(Graph("net", (ports[0],), (ports[1],), tuple(build.nodes), build.values))
    x = {"x": np.array(QUARTERS, np.int32).reshape(-1, 1, 1)}
    said = [rounded(n, Rounding.TFLITE) for n in QUARTERS]
    assert run(graph, x)["y"].ravel().tolist() == said
    assert HOST.run(Compiled.write(tmp_path / "c", "net", find_target("c"), graph), x)["y"].ravel().tolist() == said
