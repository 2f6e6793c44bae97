import json
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

import neural_style


class Ended(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def command(monkeypatch, tmp_path, picture, style):
    """The least command that runs, in a fresh folder that is the current one; 40x33 pixels."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    # Files that a job makes again elsewhere are no business of these tests.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return ["--content", picture, "--styles", style, "--network", "synthetic-narrow", "--width", "40"]


@pytest.fixture
def stylize(command, capfd):
    """Runs the command line in this process; later options replace earlier ones."""

    def stylize(options="", output="out.png"):
        arguments = [*command, "--device", "cpu", "--output", output, *options.split()]
        try:
            status = neural_style.main(arguments)
        except SystemExit as stop:  # argparse
            status = stop.code
        return Ended(status, *capfd.readouterr())

    return stylize


def pixels(path):
    return np.asarray(Image.open(str(path))).astype(int)


def losses(path="record.json"):
    """Rows of a record: (updates + 1, 4)."""
    with open(str(path)) as file:
        return np.array([list(row.values()) for row in json.load(file)["losses"]])
