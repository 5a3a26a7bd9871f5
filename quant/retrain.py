"""Retraining from end to end: a float Graph, a recipe and data to an annotated Graph, with the figures before and after."""
from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from tapeout.compiler import data
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Array, Graph, Port, Type

from .calibrate import calibrate
from .layers import Network
from .norm import with_biases
from .options import Calibration, QuantizeOptions
from .placement import Role, place, with_accumulators
from .quantize import prepared, quantizers
from .recipe import Recipe, as_toml
from .recipe import load as recipe_of
from .train import History, Loss, Split, TrainOptions, as_split, batches, evaluate, process, train

__all__ = ["Result", "Retraining", "load_split", "recipe_of"]


def load_split(graph: Graph, source: str, preprocess: str = "") -> Split:
    """The samples `x` and labels `y` of an .npz file, or of `module:function`, which returns both as arrays.

    `x` has the shape of the graph's sole input in the source model's layout, axes of length 1 aside; any number type. `preprocess` is
    text like `scale=0.00392,mean=0.5,std=0.25`. Raises TapeoutError that names the source.
    """
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise TapeoutError(f"retraining takes one input and one output; this model has {len(graph.inputs)} and {len(graph.outputs)}")
    x, y = _arrays(source)
    (port,) = graph.inputs
    if len(x) != len(y) or not len(x):
        raise TapeoutError(f"{source}: holds {len(x)} samples and {len(y)} labels")
    factors = _factors(preprocess)
    return as_split(_laid_out(x, port, graph.values[port.value].type, source), y, *factors)


def _arrays(source: str) -> tuple[Array, Array]:
    if re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", source):
        module, function = source.split(":")
        try:
            x, y = getattr(importlib.import_module(module), function)()
        except (ImportError, AttributeError, TypeError, ValueError) as error:
            raise TapeoutError(f"{source}: gives no pair of arrays x, y ({error})") from None
        return np.asarray(x), np.asarray(y)
    arrays = data.load(Path(source))
    for key in ("x", "y"):
        if key not in arrays:
            raise TapeoutError(f"{source}: has no array {key!r}, only {', '.join(map(repr, arrays)) or 'nothing'}")
    return arrays["x"], arrays["y"]


def _laid_out(x: Array, port: Port, type: Type, source: str) -> Array:
    """Samples in the layout of the value, without its batch axis."""
    wanted = data.source_shape(port, type)
    if tuple(n for n in x.shape[1:] if n != 1) != tuple(n for n in wanted if n != 1):
        shape = "x".join(map(str, ("N", *wanted)))
        raise TapeoutError(f"{source}: array 'x' is {'x'.join(map(str, x.shape))}, input {port.name} takes {shape}")
    if x.dtype.kind not in "fiu" or (x.dtype.kind == "f" and not np.isfinite(x).all()):
        raise TapeoutError(f"{source}: array 'x' holds {'NaN or infinity' if x.dtype.kind == 'f' else x.dtype}, expected finite numbers")
    return port.from_source(x.reshape(len(x), *wanted))[:, 0]


def _factors(text: str) -> tuple[float, float, float]:
    values = {"scale": 1.0, "mean": 0.0, "std": 1.0}
    for part in filter(None, text.split(",")):
        key, _, value = part.partition("=")
        try:
            values[key] = float(value) if key in values else float("nan")
        except ValueError:
            values[key] = float("nan")
        if not np.isfinite(values[key]) or values["std"] == 0:
            raise TapeoutError(f"--preprocess {part!r}: write scale=X,mean=X,std=X with numbers, std not 0")
    return values["scale"], values["mean"], values["std"]


def _check_labels(graph: Graph, split: Split, options: TrainOptions, name: str) -> None:
    """Raises TapeoutError unless labels number the outputs, or targets have their shape, and images are what is augmented."""
    outputs = graph.values[graph.outputs[0].value].type.size
    y = split.y
    if options.loss is Loss.MSE:
        if y[0].numel() != outputs:
            raise TapeoutError(f"{name}: targets have {y[0].numel()} numbers each, the model {outputs} outputs")
    elif y.dim() != 1 or y.is_floating_point() or not 0 <= int(y.min()) <= int(y.max()) < outputs:
        raise TapeoutError(f"{name}: labels are whole numbers from 0 to {outputs - 1}, one for each sample; or take --loss mse")
    if options.augment and split.x.dim() != 4:
        raise TapeoutError(f"--augment {','.join(options.augment)}: the model takes no images")


@dataclass
class Retraining:
    """A network ready to train, and what it is compared with."""

    network: Network
    teacher: Network
    recipe: Recipe
    data: Split
    validation: Split
    options: TrainOptions
    float_figure: float
    before: float
    history: History | None = None

    @classmethod
    def prepare(
        cls, graph: Graph, recipe: Recipe, data: Split, validation: Split, options: TrainOptions, calibration_samples: int = 256,
        batch_norm: bool = True,
    ) -> Retraining:
        """Quantizes as after training and puts batch norms back. Raises TapeoutError and Unsupported as `quantize` does."""
        for split, name in ((data, "training data"), (validation, "validation data")):
            _check_labels(graph, split, options, name)
        torch.manual_seed(options.seed)
        order = np.random.default_rng([options.seed, 1 << 20]).permutation(len(data.x))[:calibration_samples]
        samples = data.batch(torch.from_numpy(np.sort(order)))
        simple, _ = prepared(graph, {graph.input_names[0]: samples[:, None].numpy()})
        simple = with_accumulators(with_biases(simple), recipe)
        places = place(simple, recipe)
        recipes = {name: p.recipe for name, p in places.items() if p.role is Role.ACTIVATION}
        ranges = calibrate(simple, {simple.input_names[0]: samples[:, None].numpy()}, QuantizeOptions(Calibration.MSE), recipes)
        network = Network(simple, places, quantizers(simple, places, ranges))
        teacher = Network(simple, {}, {}).eval()
        network.schedule(options.epochs - 1, options.epochs)
        before = evaluate(network, validation, options.loss)
        if batch_norm:
            network.add_norms((samples,))
        return cls(network, teacher, recipe, data, validation, options, evaluate(teacher, validation, options.loss), before)

    @property
    def steps_per_epoch(self) -> int:
        return len(batches(len(self.data.x), self.options, 0, process()[1]))

    @property
    def steps(self) -> int:
        return self.steps_per_epoch * self.options.epochs

    @property
    def writes(self) -> bool:
        """Whether this process is the one that writes files."""
        return process()[0] == 0

    def train(self, checkpoint: Path, resume: bool, tell: Callable[[int, int, float], None]) -> History:
        """Trains; see `train`."""
        self.history = train(self.network, self.teacher, self.data, self.validation, self.options, checkpoint, resume, tell)
        return self.history

    def result(self) -> Result:
        assert self.history is not None
        return Result(self.network.to_graph(), self.recipe, self.history, self.float_figure, self.before, self.options)


@dataclass(frozen=True)
class Result:
    """What retraining gives. Figures are accuracies, or minus mean squared errors, on the validation data."""

    graph: Graph
    recipe: Recipe
    history: History
    float_figure: float
    before: float
    options: TrainOptions

    @property
    def after(self) -> float:
        return self.history.validation[self.history.best]

    def table(self) -> str:
        unit = "accuracy" if self.options.loss.value == "cross_entropy" else "-mse"
        return (
            f"validation {unit}: float {self.float_figure:.4f}, {self.recipe.name} after calibration {self.before:.4f}, "
            f"retrained {self.after:.4f} (epoch {self.history.best + 1} of {len(self.history.loss)})"
        )

    def export(self, folder: Path) -> list[str]:
        """Writes recipe, history, plot and the network for other tools; returns what these cannot hold of it."""
        from .export import write_qdq, write_qonnx

        (folder / "recipe.toml").write_text(as_toml(self.recipe))
        figures = {"float": self.float_figure, "calibrated": self.before, "retrained": self.after}
        (folder / "history.json").write_text(json.dumps({**figures, **asdict(self.history)}, indent=2) + "\n")
        self._plot(folder / "history.png")
        notes = []
        for write, name in ((write_qonnx, "model.qonnx.onnx"), (write_qdq, "model.qdq.onnx")):
            try:
                notes += [f"{name}: {note}" for note in write(self.graph, folder / name)]
            except TapeoutError as error:
                notes.append(f"{name} not written: {error}")
        return notes

    def _plot(self, path: Path) -> None:
        import matplotlib

        matplotlib.use("agg")
        from matplotlib import pyplot

        epochs = range(1, len(self.history.loss) + 1)
        figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
        left.plot(epochs, self.history.loss, marker=".")
        left.set(title="training loss", xlabel="epoch")
        right.plot(epochs, self.history.validation, marker=".", label=self.recipe.name)
        right.axhline(self.float_figure, color="gray", linestyle="--", label="float checkpoint")
        right.axhline(self.before, color="tab:orange", linestyle=":", label="after calibration alone")
        right.set(title="validation accuracy" if self.options.loss.value == "cross_entropy" else "minus validation error", xlabel="epoch")
        right.legend()
        figure.savefig(path, dpi=110)
        pyplot.close(figure)

