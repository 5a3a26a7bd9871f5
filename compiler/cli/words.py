"""`tapeout words`: what loads the weights of one compiled network into the design of another."""
from __future__ import annotations

from pathlib import Path

import click

from ..errors import TapeoutError


@click.command("words")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("other", metavar="OTHER", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="FILE", help="Text file to write.")
def command(folder: Path, other: Path, output: Path) -> None:
    """Write the addresses and words, in hexadecimal, that load the weights of OTHER into the design of DIR over its register port.

    OTHER is a folder that 'tapeout compile' wrote from the same layers with other weights, for any target; DIR was compiled with
    --weight-memory loadable.
    """
    from tapeout.targets.bundle import Bundle
    from tapeout.targets.rtl.loadable import MAP, MemoryMap, words_text

    design = Bundle.load(folder).design()
    if not (design.folder / MAP).is_file():
        raise TapeoutError(f"{folder}: its weights cannot be loaded; compile with --weight-memory loadable")
    words = MemoryMap.load(design.folder).words(Bundle.load(other).graph)
    output.write_text(words_text(words))
    click.echo(f"wrote {len(words):,} words to {output}")
