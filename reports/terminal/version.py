"""Which StyleBench this is, in one line."""

import platform
from typing import Mapping, Optional

from rich.console import Console
from rich.text import Text

from reports.terminal.console import open_console


def print_version(revision: Optional[str], packages: Mapping[str, str], console: Optional[Console] = None) -> None:
    """Print the revision of this tree, Python's version and TensorFlow's."""
    tensorflow = [f"{name} {version}" for name, version in packages.items() if name.startswith("tensorflow")]
    parts = [f"revision {revision or 'unknown'}", f"Python {platform.python_version()}", *tensorflow]
    (console or open_console()).print(Text(f"StyleBench {', '.join(parts)}"), soft_wrap=True)
