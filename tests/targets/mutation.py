"""Kernels with one mistake in their text, and whether the outputs of a core show it."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tapeout.compiler.run import run
from tapeout.targets.microcontroller.family import Microcontroller
from tests.cases import Case, all_cases, samples

from .board import outputs_or_fault
from .matrix import difference, nets


@dataclass(frozen=True)
class Mutation:
    """A mistake: `text` of a kernel file becomes `wrong`, which the named case must notice, when `kernel` runs it if one is named."""

    name: str
    file: str
    text: str
    wrong: str
    case: str
    kernel: str = ""

    def apply(self, files: Iterable[Path], folder: Path) -> Path:
        """Copies kernel files to a new folder, one of them with the mistake."""
        folder.mkdir()
        copies = {file.name: file.read_text() for file in files}
        assert self.text in copies[self.file], "the kernel has changed; so must this mutation"
        copies[self.file] = copies[self.file].replace(self.text, self.wrong)
        for name, text in copies.items():
            (folder / name).write_text(text)
        return folder

    def subject(self) -> Case:
        (case,) = (c for c in all_cases() if c.name == self.case)
        return case


def noticed(mutation: Mutation, files: Iterable[Path], target: Microcontroller, folder: Path, programs: Path) -> bool:
    """Whether variants with the mistake, before the target's own kernels, differ from the reference or fault, and nothing else does."""
    case, mistaken = mutation.subject(), mutation.apply(files, folder / "kernels")
    target = replace(target, kernels=(mistaken, *target.kernels))
    (work := folder / "work").mkdir()
    found = outputs_or_fault([case], target, work, programs)
    if found is None:
        return True
    with np.errstate(all="ignore"):
        expected = run(case.graph, samples(case))
    wrong = [n.name for n in nets([case], target) if any(difference(found[n.name][name], array) for name, array in expected.items())]
    assert all("_by_" in name for name in wrong), "the kernel of the op's own name is not mutated"
    return f"{case.name}_by_{mutation.kernel}" in wrong if mutation.kernel else bool(wrong)
