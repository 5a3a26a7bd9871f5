"""`tapeout compress`: a float network with convolutions of low rank in the place of whole ones."""
from __future__ import annotations

from pathlib import Path

import click

from ..staging import check_writable, staged_file
from .options import parse_shapes, weights_option


@click.command("compress")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--rank", type=click.IntRange(1), required=True, metavar="R", help="Filters of each kind; cut to what is exact.")
@click.option("--ways", type=click.Choice(["2", "3"]), default="2", show_default=True, help="2: down and along; 3: depth, down, along.")
@click.option("--layers", default="", metavar="P,...", help="Shell patterns of the names that inspect shows; else all convolutions.")
@click.option("--shape", "shapes", multiple=True, metavar="NAME=1x28x28x1", help="Fixes the shape of an input.")
@weights_option
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="OUT.onnx", help="File to write.")
def command(model: Path, rank: int, ways: str, layers: str, shapes: tuple[str, ...], weights: Path | None, output: Path) -> None:
    """Replace the convolutions of MODEL (float) by sums of one-way filters and write it as float ONNX.

    Two-way takes Ci * (kh + kw) weights for each output kernel and rank, three-way Ci + kh + kw. What the error costs is won back by
    tapeout retrain.
    """
    from tapeout.quant.compress import compress, table
    from tapeout.quant.export import write_float

    from ..frontends import read

    check_writable(output)
    compressed, report = compress(read(model, parse_shapes(shapes), weights), rank, int(ways), tuple(filter(None, layers.split(","))))
    with staged_file(output) as partial:
        write_float(compressed, partial)
    click.echo(table(report))
    click.echo(f"wrote {output}")
