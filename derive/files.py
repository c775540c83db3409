"""Files that are written whole or not at all, and never over a file that is not ours to replace."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from derive.errors import InputError

__all__ = ["require_free", "write_files"]

ORDINARY = 0o666


def write_files(texts: Mapping[Path, str | bytes], *, force: bool = False) -> None:
    """Write files in one folder, all of them or none.

    A folder that is missing is made. Each file is written beside its place and then moved there;
    if a move fails, the earlier ones are taken back.

    Args:
        texts: What to write, by path; all in one folder. Text is written in UTF-8.
        force: Whether files that exist may be replaced.

    Raises:
        InputError: A file exists, or cannot be written.
    """
    targets = {_target(path, force): text for path, text in texts.items()}
    try:
        for folder in dict.fromkeys(target.parent for target in targets):
            with _made(folder), tempfile.TemporaryDirectory(prefix=".derive-", dir=folder) as stage:
                own = {path: text for path, text in targets.items() if path.parent == folder}
                _replace(own, Path(stage))
    except OSError as error:
        name = error.filename if isinstance(error.filename, str) else next(iter(texts))
        where = next((path for path in texts if path.name == Path(name).name), next(iter(texts)))
        raise InputError(f"{where} cannot be written: {error.strerror or error}") from None


def require_free(path: Path, *, force: bool = False) -> None:
    """Require that a file may be written: it is not there, or ``force`` allows to replace it.

    Raises:
        InputError: It may not.
    """
    _target(path, force)


def _target(path: Path, force: bool) -> Path:
    """The file that a path leads to, if it may be written."""
    try:
        target = Path(os.path.realpath(path))
        there, ours = os.path.lexists(target), target.is_file()
    except (OSError, ValueError) as error:
        raise InputError(f"{str(path)!r} cannot be written: {error}") from None
    if there and not ours:
        kind = "a folder" if target.is_dir() else "not an ordinary file"
        raise InputError(f"{path} is {kind} and cannot be written to")
    if there and not force:
        raise InputError(f"{path} exists already", ("--force replaces it.",))
    return target


@contextlib.contextmanager
def _made(folder: Path) -> Iterator[None]:
    """The folder, and those above it, made if missing; removed again on failure."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for place in missing:
            with contextlib.suppress(OSError):
                place.rmdir()
        raise


def _replace(texts: Mapping[Path, str | bytes], stage: Path) -> None:
    """Write all texts into the stage, then move each to its place, or move all back."""
    mask = os.umask(0)
    os.umask(mask)
    for path, text in texts.items():
        staged = stage / path.name
        staged.write_bytes(text.encode() if isinstance(text, str) else text)
        staged.chmod(path.stat().st_mode if path.exists() else ORDINARY & ~mask)
    before = stage / "before"
    before.mkdir()
    moved: list[Path] = []
    try:
        for path in texts:
            if path.exists():
                shutil.copy2(path, before / path.name)
            moved.append(path)
            os.replace(stage / path.name, path)
    except BaseException:
        for path in moved:
            if (before / path.name).exists():
                os.replace(before / path.name, path)
            elif not (stage / path.name).exists():
                path.unlink(missing_ok=True)
        raise
