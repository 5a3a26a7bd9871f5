"""Output files and folders that appear whole or not at all, and that never take the place of a folder someone else made."""
from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import TapeoutError

MARK = "tapeout.json"  # a folder with this file at its top was written by tapeout


def check_replaceable(folder: Path) -> None:
    """Raises TapeoutError unless `folder` is absent, empty, or was written by tapeout, and one does not stand in it."""
    if folder.is_dir():
        if Path.cwd().is_relative_to(folder.resolve()):
            raise TapeoutError(f"{folder}: is the current folder or around it, and cannot be replaced; name another one with -o")
        if any(folder.iterdir()) and not (folder / MARK).is_file():
            raise TapeoutError(f"{folder}: holds files that tapeout did not write; name another folder with -o")
    elif folder.exists() or folder.is_symlink():
        raise TapeoutError(f"{folder}: is no folder; name another one with -o")


def check_writable(file: Path) -> None:
    """Raises TapeoutError unless `file` can be a new file, or take the place of one."""
    if file.is_dir() or not file.parent.is_dir():
        raise TapeoutError(f"{file}: cannot be written; {'it is a folder' if file.is_dir() else f'there is no folder {file.parent}'}")


@contextmanager
def staged_file(file: Path) -> Iterator[Path]:
    """The path of a file beside `file` that takes its place when the block ends without an exception, else vanishes."""
    check_writable(file)
    partial = file.with_name(f".{file.name}.partial")
    try:
        yield partial
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A fresh folder that takes the place of `folder` when the block ends without an exception, else vanishes.

    A link is followed, and the folder behind it replaced. Of two writers at once the last one stands.
    """
    check_replaceable(folder)
    place = folder.resolve()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent))
    except OSError as error:
        raise TapeoutError(f"{folder}: cannot be written ({error.strerror})") from None
    try:
        stage = work / "new"
        stage.mkdir()
        yield stage
        _replace(place, stage, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _replace(place: Path, stage: Path, work: Path) -> None:
    """Renames `stage` to `place`; a folder that is there goes into `work` first, and back if that is all that can be done."""
    old = work / "old"
    try:
        while not _renamed(stage, place):
            check_replaceable(place)
            shutil.rmtree(old, ignore_errors=True)
            with suppress(FileNotFoundError):  # another writer was faster
                place.rename(old)
    except BaseException:
        if old.exists() and not place.exists():
            old.rename(place)
        raise


def _renamed(stage: Path, place: Path) -> bool:
    """Renames `stage` to `place` unless a folder that holds anything is there."""
    try:
        stage.rename(place)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise TapeoutError(f"{place}: cannot be written ({error.strerror})") from None
    return True
