"""Named bytes in one piece, as jobs and results travel. Imports the standard library alone: hosts' agents use it."""

import io
import zipfile
from pathlib import Path
from typing import Dict, Mapping


def packed(entries: Mapping[str, bytes]) -> bytes:
    """Return the entries as one ZIP archive, the same for the same entries."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(entries):
            archive.writestr(zipfile.ZipInfo(name), entries[name], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def unpacked(data: bytes) -> Dict[str, bytes]:
    """Return the entries of an archive; raises zipfile.BadZipFile when it is none."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def below(entries: Mapping[str, bytes], folder: str) -> Dict[str, bytes]:
    """Return the entries of a folder, by their names within it."""
    prefix = f"{folder}/"
    return {name[len(prefix) :]: data for name, data in entries.items() if name.startswith(prefix)}


def write_files(folder: Path, entries: Mapping[str, bytes]) -> None:
    """Write the entries as files below the folder; raises ValueError for a name that leads out of it."""
    for name, data in entries.items():
        path = folder / name
        if name.startswith("/") or ".." in Path(name).parts:
            raise ValueError(f"file {name!r}: it leads out of {folder}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def read_files(folder: Path) -> Dict[str, bytes]:
    """Return what every file below the folder holds, by its path within it."""
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
