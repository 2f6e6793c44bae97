import gc
import sys

import pytest

from harness.machine.importing import importing_tensorflow


@pytest.fixture
def collected(monkeypatch):
    """What has been done to the search for garbage, in order; nothing of it takes place."""
    done = []
    for name in ("disable", "enable", "freeze"):
        monkeypatch.setattr(gc, name, lambda name=name: done.append(name))
    return done


def test_nothing_is_searched_for_garbage_during_the_import(monkeypatch, collected):
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    with importing_tensorflow():
        assert collected == ["disable"]
    assert collected == ["disable", "freeze", "enable"]


def test_the_search_goes_on_when_the_import_fails(monkeypatch, collected):
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    with pytest.raises(ImportError), importing_tensorflow():
        raise ImportError("libtensorflow.so: cannot open")
    assert collected == ["disable", "enable"]


def test_what_is_imported_already_holds_nothing_back(monkeypatch, collected):
    monkeypatch.setitem(sys.modules, "tensorflow", object())
    with importing_tensorflow():
        pass
    assert collected == []
