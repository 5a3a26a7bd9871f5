"""`tapeout cosim`: runs a compiled network in every engine and compares with the reference, bit for bit."""
from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from ..errors import CheckFailed, TapeoutError

if TYPE_CHECKING:
    from tapeout.cosim.quality import Quality, Threshold
    from tapeout.cosim.session import Session
    from tapeout.targets.bundle import Bundle

    from ..ir import Array

_LABELS_KEY = "y"


@click.command("cosim")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--engines", metavar="E,...",
              help="Of reference, host, host-asan, qemu, rtl-core, rtl-cluster, hls, rtl, netlist; when not given, those of the "
                   "target that do not take long.")
@click.option("--inputs", type=click.Path(path_type=Path), metavar="X.npz", help="Inputs by name, batch first; seeded ones when not given.")
@click.option("--labels-key", default=_LABELS_KEY, show_default=True, help="The array of labels in that file.")
@click.option("--count", type=click.IntRange(1), metavar="N", help="How many inputs; all of the file, or 16 seeded ones, when not given.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the inputs that are made here.")
@click.option("--float", "float_model", type=click.Path(path_type=Path), metavar="MODEL",
              help="The float original of a model that is quantized already.")
@click.option("--threshold", default="", metavar="K=V,...", help="Bounds on quality, such as sqnr_db=20,accuracy=0.98.")
@click.option("--junit", type=click.Path(path_type=Path), metavar="F", help="Write a JUnit XML report.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), metavar="F", help="Write the figures as JSON; - prints them.")
@click.option("--save", type=click.Path(path_type=Path), metavar="F.npz", help="Write all inputs and outputs.")
@click.option("--waveform", type=click.Path(path_type=Path), metavar="F.fst|F.vcd",
              help="Of rtl or netlist: when outputs differ, write the signals while the first such sample is in the design.")
def command(
    folder: Path, engines: str | None, inputs: Path | None, labels_key: str, count: int | None, seed: int, float_model: Path | None,
    threshold: str, junit: Path | None, json_file: Path | None, save: Path | None, waveform: Path | None,
) -> None:
    """Run the network compiled into DIR in every engine and compare with the reference.

    Status 0 only if no element differs and every threshold is met.
    """
    from tapeout.cosim.quality import parse_thresholds
    from tapeout.cosim.session import cosimulate, engines_for
    from tapeout.targets.bundle import Bundle

    bundle = Bundle.load(folder)
    thresholds = parse_thresholds(threshold)
    _check_places(junit, json_file, save, waveform)
    if waveform:
        from tapeout.cosim.verilator.simulator import check_wave

        check_wave(waveform.suffix)
    chosen = engines_for(bundle, engines)
    feed, labels = _feed(bundle, inputs, labels_key, count, seed)
    trained = bool(bundle.graph.states())  # so that outputs are those of no model
    original = float_model or (bundle.source if bundle.manifest.float_model and not trained else None)
    _check_measurable(thresholds, folder, original, labels, labels_key)
    session = cosimulate(bundle, chosen, feed, waveform)
    quality = session.quality(original, labels)
    _write(session, quality, thresholds, junit, json_file, save)
    if json_file != Path("-"):
        _show(session, quality)
    failures = [r.text() for r in session.results if r.failed]
    failures += [t.text(quality) for t in thresholds if quality and not t.met(quality)]
    if failures:
        raise CheckFailed("; ".join(failures))


def _check_places(*files: Path | None) -> None:
    """Raises TapeoutError for a file that could not be written, before anything runs."""
    for file in files:
        if file and (file.is_dir() or not file.parent.is_dir()):
            raise TapeoutError(f"{file}: cannot be written; {'it is a folder' if file.is_dir() else f'there is no folder {file.parent}'}")


def _check_measurable(
    thresholds: tuple[Threshold, ...], folder: Path, original: Path | None, labels: Array | None, labels_key: str
) -> None:
    """Raises TapeoutError for a threshold on a figure that needs a float model or labels which are not given."""
    for threshold in thresholds:
        if threshold.figure == "accuracy" and labels is None:
            raise TapeoutError(f"--threshold accuracy: there are no labels; give --inputs with an array {labels_key!r}")
        if threshold.figure != "accuracy" and original is None:
            raise TapeoutError(
                f"--threshold {threshold.figure}: {folder} was compiled from a quantized model; name its float original with --float MODEL"
            )


def _feed(bundle: Bundle, file: Path | None, labels_key: str, count: int | None, seed: int) -> tuple[dict[str, Array], Array | None]:
    """The samples by value name, and the labels if there are any."""
    from tapeout.cosim.vectors import random_inputs

    from .. import data

    if file is None:
        return random_inputs(bundle.graph, count or 16, seed), None
    arrays = data.load(file)
    feed = data.inputs(bundle.graph, arrays, str(file), labels_key)
    samples = len(next(iter(feed.values())))
    if count is not None and count > samples:
        raise TapeoutError(f"{file}: holds {samples} samples, --count asks for {count}")
    labels = arrays.get(labels_key)
    if labels is None and labels_key != _LABELS_KEY:
        raise TapeoutError(f"{file}: has no labels {labels_key!r}, only {', '.join(map(repr, arrays))}")
    if labels is not None and labels.shape != (samples,):
        raise TapeoutError(f"{file}: labels {labels_key!r} are {list(labels.shape)}, there are {samples} samples")
    if labels is not None and labels.dtype.kind not in "iu":
        raise TapeoutError(f"{file}: labels {labels_key!r} are {labels.dtype}; give the number of each sample's class")
    return {name: a[:count] for name, a in feed.items()}, labels if labels is None else labels[:count]


def _write(
    session: Session, quality: Quality | None, thresholds: tuple[Threshold, ...],
    junit: Path | None, json_file: Path | None, save: Path | None,
) -> None:
    from tapeout.cosim.junit import junit_xml

    if save:
        arrays: Mapping[str, Array] = session.arrays()
        with save.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # numpy's stub takes the keywords for its flags
    if junit:
        junit.write_text(junit_xml(session, quality, thresholds))
    if json_file:
        text = json.dumps(session.summary() | {"quality": asdict(quality) if quality else None}, indent=2)
        if json_file == Path("-"):
            click.echo(text)
        else:
            json_file.write_text(text + "\n")


def _show(session: Session, quality: Quality | None) -> None:
    for result in session.results:
        click.echo(result.text())
    if quality is None:
        why = "the network is trained meanwhile" if session.bundle.graph.states() else (
            "the source model is quantized, or ends behind the logits; --float MODEL names a float original"
        )
        click.echo(f"quality: not measured, since {why}")
        return
    figures = {k: v for k, v in asdict(quality).items() if isinstance(v, float)}
    against = f" against {Path(quality.model).name} in floats" if quality.model else ""
    click.echo(f"quality of {quality.engine}{against}, {quality.samples} samples: " + ", ".join(f"{k} {v:.6g}" for k, v in figures.items()))
