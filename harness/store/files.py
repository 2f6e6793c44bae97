"""Files that are written whole or not at all, their names, and records read back."""

import hashlib
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Iterable, Type, TypeVar

from pydantic import ValidationError

from harness.errors import UsageError
from harness.reading import UnreadableError, parse_json, read_file
from harness.records import SCHEMA_VERSION, Record

_NAME_LIMIT = 180
"""Bytes; file systems take 255, and something may follow."""

R = TypeVar("R", bound=Record)


def write_atomic(path: Path, data: bytes) -> None:
    """Write the file whole or not at all; its data is on the disk before it takes its name. Raises OSError."""
    descriptor, temporary = tempfile.mkstemp(dir=str(path.parent), prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes it private
        os.replace(temporary, str(path))
    except BaseException:
        os.unlink(temporary)
        raise


def slug(text: str) -> str:
    """The text as a file name: letters of any script, digits, and . _ + - alone; a long one ends in a hash of all."""
    name = re.sub(r"[^\w.+-]+", "-", text).strip(".-") or "unnamed"
    if len(os.fsencode(name)) <= _NAME_LIMIT:
        return name
    kept = os.fsencode(name)[:_NAME_LIMIT].decode("utf-8", "ignore")
    return f"{kept}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:12]}"


def numbered(path: str, index: int) -> str:
    """Return the path of picture `index` of a batch, from 0: a.png, a-2.png, a-3.png."""
    stem, suffix = os.path.splitext(path)
    return f"{stem}-{index + 1}{suffix}" if index else path


def save_readable(path: Path, record: Record) -> Path:
    """Write the record with sorted keys and a line for each value, so that it diffs well; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, (json.dumps(record.model_dump(mode="json"), indent=1, sort_keys=True) + "\n").encode())
    return path


def read_record(record: Type[R], what: str, path: Path) -> R:
    """Read a JSON file with a schema version; raises UsageError that begins with `what`."""
    return parse_record(record, what, read_record_bytes(what, path))


def read_record_bytes(what: str, path: Path) -> bytes:
    """Return the bytes of a record's file; raises UsageError that begins with `what`."""
    try:
        return read_file(path)
    except UnreadableError as error:
        raise UsageError(f"{what}: {error}") from error


def parse_record(record: Type[R], what: str, data: bytes) -> R:
    """Return the record that JSON with a schema version holds; raises UsageError that begins with `what`."""
    try:
        document = parse_json(data)
    except UnreadableError as error:
        raise UsageError(f"{what}: {error}") from error
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version != SCHEMA_VERSION:
        raise UsageError(f"{what}: schema version {version}, expected {SCHEMA_VERSION}")
    try:
        return record.model_validate(document)
    except ValidationError as error:
        raise UsageError(f"{what}: {first_problem(error)}") from error


def first_problem(error: ValidationError) -> str:
    """Return what is first wrong with a record: in which field, and what was expected there."""
    first = error.errors(include_url=False)[0]
    where, reason = ".".join(map(str, first["loc"])), first["msg"].replace("Value error, ", "")
    reason = reason[:1].lower() + reason[1:]
    return f"{where}: {reason}" if where else reason


def write_lines(path: Path, records: Iterable[Record]) -> None:
    """Write one JSON line per record, the file whole or not at all."""
    write_atomic(path, b"".join(record.model_dump_json().encode() + b"\n" for record in records))
