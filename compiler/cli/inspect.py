"""`tapeout inspect`: the Graph of a model, after any pass, or of a compiled folder."""
from __future__ import annotations

from pathlib import Path

import click

from ..errors import TapeoutError
from .options import parse_shapes, weights_option


@click.command("inspect")
@click.argument("path", metavar="MODEL|DIR", type=click.Path(path_type=Path))
@click.option("--after", metavar="PASS", help="Stop behind this pass; 'read' shows what the file holds.")
@click.option("--shape", "shapes", multiple=True, metavar="NAME=1x28x28x1", help="Fixes the shape of an input.")
@weights_option
def command(path: Path, after: str | None, shapes: tuple[str, ...], weights: Path | None) -> None:
    """Print the Graph of MODEL as it is lowered, or the one compiled into DIR."""
    from .. import text

    if path.is_dir():
        if after or shapes or weights:
            raise TapeoutError(f"{path}: a compiled folder holds one Graph; --after, --shape and --weights are for models")
        from tapeout.targets.bundle import Bundle

        graph = Bundle.load(path).graph
    else:
        from ..build import lower
        from ..frontends import read

        graph = read(path, parse_shapes(shapes), weights)
        if after != "read":
            graph = lower(graph, after)
    click.echo(text.format(graph, elide=True))
