"""`tapeout quantize`: from a float model, a recipe and calibration data to a quantized ONNX file."""
from __future__ import annotations

from pathlib import Path

import click

from ..staging import check_writable, staged_file
from .options import calibration_option, improve_option, parse_quantize_options, parse_shapes, weights_option


@click.command("quantize")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--recipe", required=True, metavar="R", help="A ready-made recipe or a .toml file.")
@click.option("--calibrate", required=True, type=click.Path(path_type=Path), metavar="DATA.npz", help="Inputs by name, batch first.")
@calibration_option
@improve_option
@click.option("--labels-key", default="y", show_default=True, help="The array of the calibration file that is no input.")
@click.option("--format", "form", type=click.Choice(["qonnx", "qdq"]), default="qonnx", show_default=True, help="How codes are told.")
@click.option("--sensitivity", is_flag=True, help="Print what each layer alone costs.")
@click.option("--target", metavar="T", help="Refuse at once what this target cannot run.")
@click.option("--shape", "shapes", multiple=True, metavar="NAME=1x28x28x1", help="Fixes the shape of an input.")
@weights_option
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="Q.onnx", help="File to write.")
def command(
    model: Path, recipe: str, calibrate: Path, calibration: str, improve: str, labels_key: str, form: str, sensitivity: bool,
    target: str | None, shapes: tuple[str, ...], weights: Path | None, output: Path,
) -> None:
    """Quantize MODEL (float) after training and write it as QONNX or QDQ ONNX, which `tapeout compile` and other tools read."""
    from tapeout.quant import export
    from tapeout.quant.quantize import quantize
    from tapeout.quant.recipe import load
    from tapeout.quant.sensitivity import fidelity, sensitivity_table

    from .. import data
    from ..frontends import read
    from .check import check_target

    chosen, options = load(recipe), parse_quantize_options(calibration, improve)
    check_writable(output)
    graph = read(model, parse_shapes(shapes), weights)
    if target is not None:
        check_target(graph, chosen, target)
    samples = data.inputs(graph, data.load(calibrate), str(calibrate), labels_key)
    quantized = quantize(graph, samples, chosen, options)
    with staged_file(output) as partial:
        notes = (export.write_qonnx if form == "qonnx" else export.write_qdq)(quantized, partial)
    if sensitivity:
        click.echo(sensitivity_table(graph, samples, chosen, options))
    count = len(next(iter(samples.values())))
    click.echo(f"{chosen.name} against float on {count} calibration samples: {fidelity(graph, quantized, samples)}")
    for note in notes:
        click.echo(f"note: {note}")
    click.echo(f"wrote {output}")
