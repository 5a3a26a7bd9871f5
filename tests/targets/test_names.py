"""Names of functions are those of one file alone, since a network may need any two kernels at once."""
from __future__ import annotations

import re
from collections import defaultdict

import pytest

from tapeout.targets import all_targets
from tapeout.targets.target import Target


@pytest.mark.parametrize("target", all_targets(), ids=lambda t: t.name)
def test_no_two_kernel_files_define_the_same_name(target: Target) -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for folder in target.kernels:
        for header in folder.glob("*.h"):
            text = header.read_text()
            names = re.findall(r"^static (?:inline |__attribute__\(\(\w+\)\) )*[\w ]+?[ *]+(\w+)\(", text, re.MULTILINE)
            names += re.findall(r"^} (\w+);", text, re.MULTILINE) + re.findall(r"^#define (\w+)", text, re.MULTILINE)
            for name in names:
                found[name].add(header.name)
    assert len(found) > 50
    assert {name: files for name, files in found.items() if len(files) > 1} == {}
