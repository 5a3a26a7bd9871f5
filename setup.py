"""The folders of this repository are the subpackages of tapeout; all else is in pyproject.toml."""
from setuptools import find_packages, setup

PARTS = ("compiler", "targets", "quant", "cosim")
setup(
    package_dir={f"tapeout.{part}": part for part in PARTS},
    packages=[f"tapeout.{p}" for part in PARTS for p in (part, *(f"{part}.{s}" for s in find_packages(part)))],
)
