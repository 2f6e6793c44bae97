"""Importing TensorFlow: thousands of modules, which Python's search for cyclic garbage would walk again and again."""

import gc
import sys
from contextlib import contextmanager
from typing import Iterator


@contextmanager
def importing_tensorflow() -> Iterator[None]:
    """Hold back the search for cyclic garbage during the import, and leave what it made out of every later one.

    It would take a sixth of the import's time. Nothing is held back where TensorFlow is imported already.
    """
    if "tensorflow" in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
