"""What a job takes to a host, and the agent that runs it there, without Ray."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from harness.hosts import shipping
from harness.hosts.agent import Agent, complaints, without_allocator
from harness.hosts.parcel import below, packed, unpacked, write_files
from harness.hosts.run import _Shipping
from harness.hosts.shipping import Tree, answer, case_at, case_with_files, code_of, files_of, job, network_missing
from harness.hosts.trial import _at
from harness.machine import claim
from harness.machine.claim import ClaimError, claimed
from harness.store.baselines import Baselines
from harness.store.run_folder import RunFolder
from harness.trial.exchange import Attempt
from harness.trial.place import LostError
from tests.hosts.jobs import Pack, came_back, tree, unpack

pytestmark = pytest.mark.any_tensorflow


@pytest.fixture
def agent(tmp_path, monkeypatch):
    """An agent whose node has this process's environment."""
    environment = {**os.environ, "STYLEBENCH_CLAIMS": str(tmp_path)}
    monkeypatch.setattr("harness.hosts.agent.node_environment", lambda: environment)
    made = Agent(["0", "3"])
    yield made
    made.leave()
    assert not made._home.exists()


def test_code_goes_as_it_lies_there_and_by_its_content(tmp_path):
    def git(*arguments):
        subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x", *arguments], cwd=str(tmp_path), check=True)

    for name in ("bench.py", "gone.py", "tests/test_x.py", ".gitignore"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("ignored.py\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "x")
    before = code_of(tmp_path)
    assert code_of(tmp_path) == before
    (tmp_path / "bench.py").write_text("changed")
    (tmp_path / "new.py").write_text("new")
    (tmp_path / "ignored.py").write_text("")
    (tmp_path / "gone.py").unlink()
    after = code_of(tmp_path)
    assert after.digest != before.digest
    assert sorted(unpacked(after.archive)) == [".gitignore", "bench.py", "new.py"]
    assert unpacked(after.archive)["bench.py"] == b"changed"


def test_this_project_s_code_is_all_that_a_host_needs():
    names = set(unpacked(code_of().archive))
    assert {"bench.py", "harness/machine/tethered.py", "harness/hosts/trial.py", "reports/zh.json"} <= names
    assert not any(name.startswith(("tests/", "baselines/", "docs/")) for name in names)


def test_pictures_go_as_bytes_and_the_network_stays(case, tmp_path):
    sent, files = case_with_files(case)
    assert list(files) == ["0-picture.png", "1-style.png"] and sent.content == "0-picture.png"
    write_files(tmp_path / "files", files)
    there = case_at(sent, tmp_path)
    with open(case.content, "rb") as ours, open(there.content, "rb") as theirs:
        assert ours.read() == theirs.read()
    assert there.inputs == case.inputs and network_missing(there) == ""
    missing = network_missing(there.model_copy(update={"network": "/nowhere.mat"}))
    assert missing.startswith("network /nowhere.mat: no such file on this host")
    assert case.inputs.network_sha256 in missing


def test_baselines_of_a_trial_go_along_so_that_approved_noise_is_not_measured_anew(trial, tmp_path):
    root, there = Baselines(tmp_path / "baselines"), tmp_path / "there"
    wanted, other = (root.path("tiny", "small", name, "cpu-tf2") for name in (trial.mode.name, "force_fp16"))
    wanted.parent.mkdir(parents=True)
    wanted.write_bytes(b"approved")
    other.write_bytes(b"of another mode")
    given = trial.model_copy(update={"suite": "tiny", "baselines": str(root.root)})
    folder = RunFolder.create(tmp_path / "results", "tiny")
    packed_job = unpacked(_Shipping("h", folder, tree()).pack(_attempt(given)))
    write_files(there / "files", below(packed_job, "files"))
    question = Attempt.model_validate_json(packed_job["question"])
    sent = _at(question.trial, there, RunFolder(there / "out"))
    found = Baselines(Path(sent.baselines)).root.glob("*/*/*")
    assert [path.read_bytes() for path in found] == [b"approved"]
    assert Baselines(Path(sent.baselines)).path("tiny", "small", trial.mode.name, "cpu-tf2").exists()
    none = unpacked(_Shipping("h", folder, tree()).pack(_attempt(trial)))
    assert _at(Attempt.model_validate_json(none["question"]).trial, there, RunFolder(there / "out")).baselines == ""


def _attempt(trial):
    return Attempt(id="one", trial=trial, timeout=9.0).model_dump_json().encode()


def test_files_of_a_command_line_go_along(picture):
    options, files = files_of(["--size", "8", "--content", picture, "--network", picture])
    assert options == ["--size", "8", "--content", "files/0-picture.png", "--network", picture]
    assert list(files) == ["0-picture.png"]


def test_a_job_s_files_come_back_and_its_own_are_removed(agent):
    result = agent.run(Pack()(b"one"), "cpu")
    assert unpack(result) == b"result of one" and came_back(result) == ["answer", "out/large"]
    assert [path.name for path in agent._home.iterdir() if any(path.iterdir())] == ["trees"]
    assert agent.state()["cards"] == ["npu:0", "npu:3"]


def test_a_job_runs_in_the_interpreter_that_its_host_names(tmp_path, monkeypatch):
    named = tmp_path / "python3.7"
    named.write_text(f'#!/bin/sh\necho "$2" > "{tmp_path}/was"\nexec "{sys.executable}" "$@"\n')
    named.chmod(0o755)
    environment = {**os.environ, "STYLEBENCH_CLAIMS": str(tmp_path), "STYLEBENCH_PYTHON": str(named)}
    monkeypatch.setattr("harness.hosts.agent.node_environment", lambda: environment)
    agent = Agent()
    assert unpack(agent.run(Pack()(b"one"), "cpu")) == b"result of one"
    assert (tmp_path / "was").read_text() == "doing\n"
    agent.leave()


def test_an_attempt_runs_once(agent, tmp_path):
    once = Pack()(b"one")
    agent.run(once, "cpu")
    with pytest.raises(LostError, match="^host test: this attempt has run already$"):
        answer(agent.run(once, "cpu"), "test")
    assert (tmp_path / "run.txt").read_text().count("one") == 1


def test_code_that_is_not_what_was_sent_is_refused(agent):
    with pytest.raises(ValueError, match="^code 0000: what came is "):
        agent.run(Pack(Tree("0000", tree().archive))(b"one"), "cpu")


def test_a_job_ends_when_its_time_is_up(agent):
    with pytest.raises(LostError, match="^host test: not finished after 0.2 s$"):
        answer(agent.run(Pack(seconds=0.2)(b"wait"), "cpu"), "test")


def test_a_job_that_was_stopped_before_it_began_does_not_begin(agent, tmp_path):
    agent.stop("early")
    with pytest.raises(LostError, match="^host test: it was broken off$"):
        answer(agent.run(job("early", "doing", b"one", 9.0, [tree()], {}), "cpu"), "test")
    assert not (tmp_path / "run.txt").exists()


def test_no_file_leads_out_of_its_folder(tmp_path):
    for name in ("/etc/x", "../x", "a/../../x"):
        with pytest.raises(ValueError, match="it leads out of"):
            write_files(tmp_path, {name: b""})
    assert unpacked(packed({"a/b": b"c"})) == {"a/b": b"c"}


def test_a_device_is_held_until_all_who_inherited_the_lock_are_gone(tmp_path, monkeypatch):
    with claimed(tmp_path, "npu:3", 0) as descriptor:
        child = subprocess.Popen(["sleep", "600"], pass_fds=[descriptor])
    try:
        held = f"npu:3 is held by process {os.getpid()} .*stylebench-npu-3.lock"
        with pytest.raises(ClaimError, match=held), claimed(tmp_path, "npu:3", 0):
            pass
        with claimed(tmp_path, "npu:2", 0):
            pass
    finally:
        threading.Timer(0.2, child.kill).start()
    with claimed(tmp_path, "npu:3", 60) as descriptor:
        monkeypatch.setenv(claim.CLAIM_VARIABLE, str(descriptor))
        assert claim.inherited() == [descriptor]
    child.wait()
    assert claim.inherited() == []  # somebody in between has closed it
    monkeypatch.delenv(claim.CLAIM_VARIABLE)
    assert claim.inherited() == []


def test_the_variable_of_the_operator_table_goes_along(tmp_path, monkeypatch):
    (tmp_path / "table.json").write_text("{}")
    monkeypatch.setenv(shipping.ops_info.TABLE_VARIABLE, str(tmp_path / "table.json"))
    entries = unpacked(Pack()(b"one"))
    assert entries["files/op-table.json"] == b"{}"


def test_workers_that_may_not_run_on_every_processor_of_their_node_are_refused(monkeypatch):
    quiet = {"RAY_memory_monitor_refresh_ms": "0"}
    monkeypatch.setattr(os, "getpriority", lambda which, pid: 0)
    assert complaints(quiet) == []
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0} if pid == 0 else {0, 1})
    assert complaints(quiet) == ["Ray's workers may not run on all of the node's processors (start the node anew)"]


@pytest.mark.parametrize(
    "ray, kept",
    [({"RAY_LD_PRELOAD_ON_WORKERS": "0"}, False), ({"RAY_LD_PRELOAD_ON_WORKERS": "1"}, True), ({}, True)],
)
def test_the_allocator_of_ray_s_own_process_is_not_that_of_a_trial(ray, kept):
    node = {"LD_PRELOAD": "libjemalloc.so", "MALLOC_CONF": "prof:true", "PATH": "/bin", **ray}
    found = without_allocator(node)
    assert found == (node if kept else {"PATH": "/bin", **ray})
