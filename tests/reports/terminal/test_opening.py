import io
import sys

import pytest

from reports.terminal.opening import opening


class _Stream(io.StringIO):
    """A standard error that is a terminal, or is none."""

    def __init__(self, is_terminal):
        super().__init__()
        self.isatty = lambda: is_terminal


def _shown(monkeypatch, is_terminal, **options):
    """What stands in the stream while the context goes on, and after it."""
    stream = _Stream(is_terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    with opening(**options):
        during = stream.getvalue()
    return during, stream.getvalue()


@pytest.mark.parametrize(("language", "text"), [("en", "starting"), ("zh", "正在启动")])
def test_a_terminal_shows_it_at_once_and_no_more_in_the_end(monkeypatch, language, text):
    during, after = _shown(monkeypatch, True, language=language)
    assert during == text
    assert after == f"{text}\r{' ' * 2 * len(text)}\r"


def test_it_is_taken_back_before_a_refusal(monkeypatch):
    stream = _Stream(True)
    monkeypatch.setattr(sys, "stderr", stream)
    with pytest.raises(ValueError, match="no such suite"), opening("en"):
        raise ValueError("no such suite")
    assert stream.getvalue().endswith("\r")


@pytest.mark.parametrize(("is_terminal", "quiet"), [(False, False), (True, True)])
def test_elsewhere_and_under_quiet_nothing_is_said(monkeypatch, is_terminal, quiet):
    assert _shown(monkeypatch, is_terminal, language="en", quiet=quiet) == ("", "")
