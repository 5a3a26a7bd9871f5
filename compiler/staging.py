"""Output folders that appear whole or not at all, and that never take the place of a folder someone else made."""
from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import TapeoutError

MARK = "tapeout.json"  # a folder with this file at its top was written by tapeout


def check_replaceable(folder: Path) -> None:
    """Raises TapeoutError unless `folder` is absent, empty, or was written by tapeout."""
    if folder.is_dir():
        if any(folder.iterdir()) and not (folder / MARK).is_file():
            raise TapeoutError(f"{folder}: holds files that tapeout did not write; name another folder with -o")
    elif folder.exists() or folder.is_symlink():
        raise TapeoutError(f"{folder}: is no folder; name another one with -o")


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A fresh folder beside `folder` that takes its place when the block ends without an exception, else vanishes."""
    check_replaceable(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise TapeoutError(f"{folder}: cannot be written ({error.strerror})") from None
    try:
        stage.chmod(0o755)
        yield stage
        if folder.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.old.", dir=folder.parent))
            folder.rename(old / "folder")
            stage.rename(folder)
            shutil.rmtree(old, ignore_errors=True)
        else:
            stage.rename(folder)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
