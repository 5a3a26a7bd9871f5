"""Quality: how far the compiled network is from the float model. Never mixed with equality, which has no tolerance."""
from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Array


@dataclass(frozen=True)
class Quality:
    """Figures over all samples and outputs.

    `sqnr_db` is 10 log10(signal power / error power); `cosine` that of the two output vectors, all samples joined;
    `max_abs` the largest error, `max_relative` the same over the largest output; `top1_agreement` the share of samples whose
    largest output is at the same place, the first one winning ties; accuracies are there when labels are. None where undefined.
    `engine` computed the outputs that are judged.
    """

    engine: str
    model: str | None
    samples: int
    sqnr_db: float | None = None
    cosine: float | None = None
    max_abs: float | None = None
    max_relative: float | None = None
    top1_agreement: float | None = None
    accuracy: float | None = None
    float_accuracy: float | None = None


def measure(
    engine: str, found: Array, wanted: Array | None, labels: Array | None, model: str | None, classes: bool = False
) -> Quality:
    """Compares real outputs (N, ...) with those of the float model, if there, and with labels (N,), if there.

    With `classes` each sample's output is the number of its class already, and the float model's largest output is compared with it.
    """
    count = len(found)
    flat = found.reshape(count, -1)
    if classes:
        return _of_classes(engine, flat, wanted, labels, model)
    accuracy = float_accuracy = None
    if labels is not None:
        accuracy = float(np.mean(flat.argmax(1) == labels))
    if wanted is None:
        return Quality(engine, model, count, accuracy=accuracy)
    if wanted.size != found.size:
        raise TapeoutError(f"{model}: float model gives {wanted.shape} for these samples, the compiled one {found.shape}")
    other = wanted.reshape(count, -1).astype(np.float64)
    error = flat - other
    power, noise = float((other**2).sum()), float((error**2).sum())
    norms = float(np.linalg.norm(flat) * np.linalg.norm(other))
    if labels is not None:
        float_accuracy = float(np.mean(other.argmax(1) == labels))
    return Quality(
        engine, model, count,
        sqnr_db=10 * float(np.log10(power / noise)) if power and noise else None,
        cosine=float((flat * other).sum()) / norms if norms else None,
        max_abs=float(np.abs(error).max(initial=0)),
        max_relative=float(np.abs(error).max() / np.abs(other).max()) if power else None,
        top1_agreement=float(np.mean(flat.argmax(1) == other.argmax(1))) if flat.shape[1] > 1 else None,
        accuracy=accuracy, float_accuracy=float_accuracy,
    )


def _of_classes(engine: str, found: Array, wanted: Array | None, labels: Array | None, model: str | None) -> Quality:
    """For classes found (N, 1); samples with several have no figures."""
    count, single = len(found), found.shape[1] == 1
    other = None if wanted is None else wanted.reshape(count, -1).argmax(1)

    def share(classes: Array | None, with_: Array | None) -> float | None:
        return None if not single or classes is None or with_ is None else float(np.mean(classes == with_))

    return Quality(
        engine, model, count, top1_agreement=share(found[:, 0], other), accuracy=share(found[:, 0], labels),
        float_accuracy=share(other, labels),
    )


@dataclass(frozen=True)
class Threshold:
    """A bound on one figure of Quality: an upper one for errors, a lower one for all others."""

    figure: str
    limit: float

    def met(self, quality: Quality) -> bool:
        value = getattr(quality, self.figure)
        if value is None:  # no error at all has no finite signal-to-noise ratio
            return self.figure == "sqnr_db" and quality.max_abs == 0
        return bool(value <= self.limit if self.figure in _ERRORS else value >= self.limit)

    def text(self, quality: Quality) -> str:
        value = getattr(quality, self.figure)
        shown = "not measured" if value is None else f"{value:.6g}"
        relation = "at most" if self.figure in _ERRORS else "at least"
        return f"{self.figure} {shown}, asked {relation} {self.limit:g}"


_ERRORS = ("max_abs", "max_relative")
THRESHOLDS = ("sqnr_db", "cosine", *_ERRORS, "top1_agreement", "accuracy")


def parse_thresholds(text: str) -> tuple[Threshold, ...]:
    """The bounds of a text like `sqnr_db=20,accuracy=0.98`. Raises TapeoutError."""
    found = []
    for item in filter(None, text.split(",")):
        match = re.fullmatch(r"\s*(\w+)\s*=\s*(-?\d+(?:\.\d+)?(?:e-?\d+)?)\s*", item)
        if not match or match[1] not in THRESHOLDS:
            raise TapeoutError(f"--threshold {item!r}: write KEY=NUMBER; keys are {', '.join(THRESHOLDS)}")
        found.append(Threshold(match[1], float(match[2])))
    return tuple(found)
