import os
import subprocess
import sys

import pytest

from harness.devices import naming
from harness.errors import UsageError
from harness.machine import cann
from harness.machine.git import ROOT


def _names(text):
    return [device.name for device in naming.choose(text)]


def test_auto_takes_the_card_where_there_is_one(cards):
    assert _names("auto") == _names("npu") == ["npu:0"]


def test_a_card_without_its_software_is_left_alone(host):
    (host / "dev/davinci0").touch()
    (host / "dev/davinci_manager").touch()
    assert _names("auto") == ["auto"]
    with pytest.raises(UsageError, match=r"device npu:0: npu_bridge cannot be imported by .*see doctor"):
        naming.choose("npu")


def test_the_environment_chooses_the_card(cards, monkeypatch):
    monkeypatch.setenv("ASCEND_DEVICE_ID", "2")
    assert _names("npu") == _names("auto") == ["npu:2"]
    assert _names("npu:0") == ["npu:0"]
    monkeypatch.setenv("ASCEND_DEVICE_ID", "")
    assert _names("npu") == _names("auto") == ["npu:0"]
    monkeypatch.setenv("ASCEND_DEVICE_ID", "first")
    with pytest.raises(UsageError, match="ASCEND_DEVICE_ID is 'first'"):
        naming.choose("npu")


def test_cards_are_counted_whatever_their_files_are_called(cards, monkeypatch):
    for name in ("davinci0", "davinci2"):  # as in a container that was given one card
        (cards / "dev" / name).unlink()
    assert _names("auto") == ["npu:0"]
    monkeypatch.setenv("ASCEND_DEVICE_ID", "0")
    assert _names("npu") == ["npu:0"]
    with pytest.raises(UsageError, match="npu:5: no such card .found npu:0 .*/dev/davinci5."):
        naming.choose("npu:5")


def test_several_devices_of_a_kind(cards):
    assert _names("npu:2,npu:0") == ["npu:2", "npu:0"]
    assert _names("cpu:0") == ["cpu:0"]


@pytest.mark.parametrize(
    "text, reason",
    [
        ("npu:3", "npu:3: no such card .found npu:0 .*/dev/davinci0., npu:1 .*2., npu:2 .*5..; see doctor"),
        ("npu:0,npu:0", "expected different devices of one kind"),
        ("npu:0,cpu:0", "expected different devices of one kind"),
        ("npu:", "is unknown"),
        ("npu:0,", "is unknown"),
        ("gpu:0", "is unknown .expected one of auto, cpu, gpu, npu, or some of npu:0"),
        (f"cpu:{len(os.sched_getaffinity(0))}", "this process may use [0-9]+ cores, cpu:0 to cpu:"),
    ],
)
def test_devices_that_are_not_there(cards, text, reason):
    with pytest.raises(UsageError, match=reason):
        naming.choose(text)


def test_one_job_runs_on_one_device(cards):
    with pytest.raises(UsageError, match="device npu:0,npu:2: expected one device"):
        naming.choose_one("npu:0,npu:2")


def test_a_core_of_its_own():
    last = len(os.sched_getaffinity(0)) - 1
    code = (
        f"import os; from harness.devices.opening import open_device; device = open_device('cpu:{last}'); "
        "found = device.environment(); "
        "print(found.slot, found.usable_cores, found.effective_threads, *os.sched_getaffinity(0))"
    )
    said = subprocess.check_output([sys.executable, "-c", code], cwd=str(ROOT)).decode().splitlines()[-1]
    assert said == f"cpu:{last} 1 1 {max(os.sched_getaffinity(0))}"


def test_cards_that_a_variable_hides_are_not_counted(cards, monkeypatch):
    monkeypatch.setenv("ASCEND_RT_VISIBLE_DEVICES", "1,2")  # davinci2 and davinci5
    assert _names("npu:0,npu:1") == ["npu:0", "npu:1"]
    hidden = "npu:2: no such card .found npu:0 .*/davinci2., npu:1 .*/davinci5., ASCEND_RT_VISIBLE_DEVICES=1,2."
    with pytest.raises(UsageError, match=hidden):  # the driver would refuse it too
        naming.choose("npu:2")
    monkeypatch.setenv("ASCEND_DEVICE_ID", "1")  # an index into the visible ones
    assert _names("npu") == ["npu:1"]
    monkeypatch.setenv("ASCEND_RT_VISIBLE_DEVICES", "")
    assert _names("auto") == ["auto"]
    assert cann.variables()["ASCEND_RT_VISIBLE_DEVICES"] == ""


@pytest.mark.parametrize("value", ["2,1", "0,0", "3", "a", "0,", "-1"])
def test_a_variable_that_the_driver_would_refuse_is_refused(cards, monkeypatch, value):
    monkeypatch.setenv("ASCEND_RT_VISIBLE_DEVICES", value)
    reason = (
        f"ASCEND_RT_VISIBLE_DEVICES is '{value}' .expected ascending numbers of this machine's 3 cards, such as 0,1"
    )
    with pytest.raises(UsageError, match=reason):
        naming.choose("npu:0")
    (found,) = [finding for finding in cann.findings() if finding.name == "Ascend cards"]
    assert found.detail is None and "expected ascending numbers" in found.looked_for
