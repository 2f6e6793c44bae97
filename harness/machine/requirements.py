"""Which packages are missing that nothing runs without: told by the standard library alone."""

import importlib.util
import platform
import sys
from typing import TYPE_CHECKING, List, NamedTuple, Optional, Sequence

if TYPE_CHECKING:
    from harness.remark import Remark

ADVICE = "pip install -r requirements.txt"
_NEEDED = {
    "PIL": "Pillow",
    "click": "click",
    "jinja2": "Jinja2",
    "numpy": "numpy",
    "platformdirs": "platformdirs",
    "psutil": "psutil",
    "pydantic": "pydantic",
    "rich": "rich",
    "scipy": "scipy",
    **({"importlib_metadata": "importlib-metadata"} if sys.version_info < (3, 8) else {}),
}
"""By the name that is imported, the name that is installed. TensorFlow is asked for by those who need it."""


class Check(NamedTuple):
    """One thing looked at."""

    name: str
    ok: Optional[bool]
    """None: absent, and only needed for some uses."""
    detail: str
    advice: str = ""
    """What to do about it."""
    remarks: "Sequence[Remark]" = ()
    """What follows the detail."""


def absent() -> List[str]:
    """Names of the needed packages that are not installed, as pip takes them."""
    return [package for module, package in _NEEDED.items() if importlib.util.find_spec(module) is None]


def refusal(packages: List[str]) -> str:
    """Return the line that ends a command without these packages."""
    return f"not installed: {', '.join(packages)} ({ADVICE})"


def check_python() -> Check:
    """Say whether this version of Python is one that TensorFlow comes for."""
    version = platform.python_version()
    supported = sys.version_info[:2] == (3, 7) or sys.version_info >= (3, 9)
    advice = "" if supported else "use Python 3.7 (TensorFlow 1.15) or 3.9 to 3.13 (TensorFlow 2)"
    return Check("Python", supported, version, advice)


def check_packages() -> List[Check]:
    """Look at Python and each of the needed packages, and at nothing that takes one of them to look at."""
    missing = absent()
    found = [Check(name, name not in missing, "not installed" if name in missing else "") for name in _NEEDED.values()]
    rest = Check("TensorFlow, devices, CANN, cache", None, "looked at once the packages above are installed", ADVICE)
    return [check_python(), *found, rest]
