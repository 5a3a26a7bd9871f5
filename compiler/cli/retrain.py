"""`tapeout retrain`: from a float checkpoint, a recipe and training data to a quantized network."""
from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import TapeoutError
from ..staging import MARK, check_replaceable, staged
from .options import parse_shapes, weights_option

if TYPE_CHECKING:
    from tapeout.quant.mixed import Mixed
    from tapeout.quant.retrain import Retraining
    from tapeout.quant.train import TrainOptions


@dataclass(frozen=True)
class Job:
    """What to retrain, on what, and where to."""

    checkpoint: Path
    recipe: str
    data: str
    validation: str
    calibration_samples: int
    batch_norm: bool
    preprocess: str
    output: Path
    resume: bool
    target: str | None
    budget: str
    options: TrainOptions
    shapes: dict[str, tuple[int, ...]]
    weights: Path | None


@click.command("retrain")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option("--recipe", required=True, metavar="R", help="A ready-made recipe, a .toml file, or float for the control.")
@click.option("--train", "data", required=True, metavar="D", help="Training data: an .npz with x and y, or module:function.")
@click.option("--val", "validation", required=True, metavar="D", help="Validation data, of the same form.")
@click.option("--epochs", type=click.IntRange(1), default=10, show_default=True, help="Passes over the training data.")
@click.option("--batch", type=click.IntRange(1), default=64, show_default=True, help="Samples per step.")
@click.option("--learning-rate", type=click.FloatRange(0, min_open=True), default=1e-3, show_default=True, help="Its peak.")
@click.option("--weight-decay", type=click.FloatRange(0), default=0.0, show_default=True, help="Of weights alone.")
@click.option("--optimizer", type=click.Choice(["adam", "sgd"]), default="adam", show_default=True, help="AdamW, or SGD with momentum 0.9.")
@click.option("--loss", type=click.Choice(["cross_entropy", "mse"]), default="cross_entropy", show_default=True, help="To lessen.")
@click.option("--distill", type=click.FloatRange(0, 1), default=0.0, show_default=True, help="Share of the loss against the float network.")
@click.option("--augment", default="", metavar="A,...", help="Of flip and crop, for images.")
@click.option("--preprocess", default="", metavar="K=V,...", help="scale, mean, std: the network takes (x * scale - mean) / std.")
@click.option("--batch-norm/--no-batch-norm", default=True, show_default=True, help="Train with norms behind layers, folded later.")
@click.option("--patience", type=click.IntRange(0), default=0, show_default=True, help="Stop after so many epochs without gain; 0 never.")
@click.option("--calibration-samples", type=click.IntRange(1), default=256, show_default=True, help="For the first ranges.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of everything that is random.")
@click.option("--shape", "shapes", multiple=True, metavar="NAME=1x28x28x1", help="Fixes the shape of an input.")
@weights_option
@click.option("--target", metavar="T", help="Refuse before training what this target cannot run.")
@click.option("--budget", default="", metavar="flash=60k", help="Of --recipe mixed: the flash in which the search chooses bits.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in DIR.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Folder to write.")
def command(
    checkpoint: Path, recipe: str, data: str, validation: str, epochs: int, batch: int, learning_rate: float, weight_decay: float,
    optimizer: str, loss: str, distill: float, augment: str, preprocess: str, batch_norm: bool, patience: int, calibration_samples: int,
    seed: int, shapes: tuple[str, ...], weights: Path | None, target: str | None, budget: str, resume: bool, output: Path,
) -> None:
    """Retrain CHECKPOINT (ONNX, TFLite, Keras, PyTorch .pt2 or package.module:factory; float) so that it works in the formats of a recipe.

    DIR receives the quantized network (graph.txt with constants.npz, model.qonnx.onnx, model.qdq.onnx), recipe.toml, the checkpoint,
    history.json and history.png.
    """
    try:
        from tapeout.quant.train import Loss, TrainOptions
    except ModuleNotFoundError as error:
        raise TapeoutError(f"retraining needs {error.name}; install tapeout[train]") from None
    names = tuple(n for n in augment.split(",") if n)
    for name in names:
        if name not in ("flip", "crop"):
            raise TapeoutError(f"--augment {name}: there are flip and crop")
    options = TrainOptions(epochs, batch, learning_rate, weight_decay, optimizer, Loss(loss), distill, names, patience, seed)
    retrain(Job(
        checkpoint, recipe, data, validation, calibration_samples, batch_norm, preprocess, output, resume, target, budget, options,
        parse_shapes(shapes), weights,
    ))


def retrain(job: Job) -> None:
    """Runs the whole way. What is in DIR from an earlier, interrupted run serves --resume alone."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from tapeout.quant import retrain as quant

    from ..frontends import read
    from .check import check_target
    from .search import flash_budget, search_bits

    graph = read(job.checkpoint, job.shapes, job.weights)
    recipe = quant.recipe_of(job.recipe)
    if job.target is not None:
        check_target(graph, recipe, job.target)
    budget = flash_budget(job.budget, recipe) if recipe.searched else None
    if job.budget and budget is None:
        raise TapeoutError(f"--budget: recipe {recipe.name} searches nothing; budgets of a build belong to tapeout compile")
    _check_output(job)
    data, validation = (quant.load_split(graph, source, job.preprocess) for source in (job.data, job.validation))
    mixed = search_bits(graph, recipe, data, budget, job.target or "cortex-m4") if budget else None
    if mixed is not None:
        click.echo(mixed.table())
    run = quant.Retraining.prepare(
        graph, mixed.recipe if mixed else recipe, data, validation, job.options, job.calibration_samples, job.batch_norm
    )
    job.output.mkdir(parents=True, exist_ok=True)
    (job.output / MARK).write_text("{}\n")
    loss_column = TextColumn("loss {task.fields[loss]:.4f}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), loss_column)
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal or not run.writes) as progress:
        task = progress.add_task("retraining", total=run.steps, loss=0.0)

        def tell(epoch: int, step: int, loss: float) -> None:
            done, description = epoch * run.steps_per_epoch + step + 1, f"epoch {epoch + 1}/{job.options.epochs}"
            progress.update(task, completed=done, loss=loss, description=description)

        run.train(job.output / "checkpoint.pt", job.resume, tell)
    if run.writes:
        _write(run, job, mixed)


def _check_output(job: Job) -> None:
    """Refuses a folder that tapeout did not write, and to resume without a checkpoint."""
    check_replaceable(job.output)
    if job.resume and not (job.output / "checkpoint.pt").is_file():
        raise TapeoutError(f"--resume: {job.output} holds no checkpoint.pt of an interrupted run")


def _write(run: Retraining, job: Job, mixed: Mixed | None) -> None:
    """Writes the folder and says what training brought."""
    from .. import text

    result = run.result()
    with staged(job.output) as stage:
        text.save(result.graph, stage)
        notes = result.export(stage)
        if mixed is not None:
            mixed.draw(stage / "pareto.png")
        (stage / MARK).write_text("{}\n")
        shutil.copy(job.output / "checkpoint.pt", stage / "checkpoint.pt")
    click.echo(result.table())
    for note in notes:
        click.echo(note)
    click.echo(f"wrote {job.output}")
