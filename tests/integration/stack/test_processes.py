"""The Procfile's processes by name."""

import os
import re
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from stack.errors import StackError
from stack.supervision.process import ROOT
from stack.supervision.processes import Procfile
from stack.up import up
from tests.support.waiting import until

EXAMPLE = """\
one: echo one@here ready.; exec sleep 600
two: echo two@here ready.; exec sleep ${SECONDS_TO_SLEEP:-600}
broken: echo no such queue; exit 4
"""


@pytest.fixture
def procfile(tmp_path):
    path = tmp_path / "Procfile"
    path.write_text(EXAMPLE)
    return Procfile(os.environ, tmp_path, path=path)


def test_processes_are_started_killed_and_restarted_by_name(procfile):
    with procfile.start("one", "two") as running:
        running.wait_ready()
        before = running.pids()
        assert set(before) == {"one", "two"}
        running.kill("two", signal.SIGKILL)
        assert running.dead() == ["two"]
        assert running.pids() == {"one": before["one"]}
        running.restart("two")
        running["two"].wait_ready()
        assert running.dead() == []
        assert running["two"].log == "two@here ready.\n"  # not what it said before
        running.stop("one")
        assert running.dead() == ["one"]
    assert running.pids() == {}


def test_a_process_that_does_not_start_is_named_with_its_last_words(procfile):
    with procfile.start() as running:
        with pytest.raises(StackError, match=r"broken stopped while starting(.|\n)*no such queue"):
            running.wait_ready()


def test_an_unknown_name_is_refused_and_nothing_stays(procfile):
    before = psutil.Process().children(recursive=True)
    with pytest.raises(StackError, match="no three, only one, two, broken"):
        procfile.start("one", "three")
    assert psutil.Process().children(recursive=True) == before


def runner(path, *arguments, **options):
    command = [sys.executable, "-m", "stack.supervision.runner", "start", "-f", str(path)]
    options = {"stdout": subprocess.PIPE} | options
    return subprocess.Popen([*command, *arguments], cwd=ROOT, text=True, **options)


def test_the_runner_waits_for_a_process_that_takes_its_time_to_stop(tmp_path):
    path = tmp_path / "Procfile"
    slowly = (
        "trap 'sleep 7; echo stopped well; exit 0' TERM; echo begun; while true; do sleep 0.1; done"
    )
    path.write_text(f"at_once: echo begun; exec sleep 600\nslow: {slowly}\n")
    running = runner(path)
    begun = 0
    while begun < 2 and (line := running.stdout.readline()):
        begun += "begun" in line
    running.terminate()
    output, _ = running.communicate(timeout=60)
    assert "stopped well" in output
    assert running.returncode == 128 + signal.SIGTERM


def test_the_runner_stops_all_when_one_ends_and_says_which(tmp_path):
    path = tmp_path / "Procfile"
    said = f"{tmp_path}/$HONCHO_PROCESS_NAME"
    both = f"[ -e {tmp_path}/stays.1 ] && [ -e {tmp_path}/stays.2 ]"
    path.write_text(
        f"stays: echo this is $HONCHO_PROCESS_NAME; touch {said}; exec sleep 600\n"
        f"ends: until {both}; do sleep 0.1; done; exit 4\n"
    )
    running = runner(path, "-c", "all=1,stays=2")
    output, _ = running.communicate(timeout=60)
    lines = [re.sub(r"^[0-9:]+ ", "", line) for line in output.splitlines()]
    assert sorted(lines) == [
        "runner  | ends.1 stopped (rc=4)",
        "stays.1 | this is stays.1",
        "stays.2 | this is stays.2",
    ]
    assert running.returncode == 4


def test_what_is_no_command_of_the_procfile_is_not_run(tmp_path):
    path = tmp_path / "Procfile"
    path.write_text("# workers\n#flower: exit 5\nempty:  \n\npush-eu: echo $HONCHO_PROCESS_NAME\n")
    running = runner(path, "-c", "push-eu=1")
    output, _ = running.communicate(timeout=60)
    assert sorted(line.split(" | ")[1] for line in output.splitlines()) == [
        "push-eu.1",
        "push-eu.1 stopped (rc=0)",
    ]


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits another process")
def test_lines_that_cannot_be_written_are_lost_and_the_next_are_not(tmp_path):
    """A file that may not grow is an error like a full disk."""
    path, output = tmp_path / "Procfile", tmp_path / "output"
    full, said, room = (tmp_path / name for name in ("full", "said", "room"))
    path.write_text(
        f"one: echo begun; until [ -e {full} ]; do sleep 0.1; done; echo lost; sleep 1;"
        f" touch {said}; until [ -e {room} ]; do sleep 0.1; done; echo found; exit 4\n"
    )
    with output.open("wb") as file:
        running = runner(path, stdout=file)
    until(lambda: "begun" in output.read_text())
    unlimited = resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    full.touch()
    until(said.exists)
    resource.prlimit(running.pid, resource.RLIMIT_FSIZE, unlimited)
    room.touch()
    assert running.wait(60) == 4
    assert "| found\n" in output.read_text()


def test_the_runner_whose_reader_has_gone_ends_with_the_code_of_the_first(tmp_path):
    path = tmp_path / "Procfile"
    gone = tmp_path / "gone"
    path.write_text(
        f"one: echo begun; until [ -e {gone} ]; do sleep 0.1; done;"
        " echo lost; sleep 1; echo lost too; exit 4\n"
    )
    running = runner(path, stderr=subprocess.PIPE)
    running.stdout.readline()
    running.stdout.close()
    gone.touch()
    assert running.stderr.read() == ""
    assert running.wait(60) == 4


def test_nothing_outlives_a_runner_that_is_killed(tmp_path):
    path = tmp_path / "Procfile"
    path.write_text("one: echo $$; exec sleep 600\n")
    running = runner(path, "one")
    pid = int(running.stdout.readline().split()[-1])
    running.kill()
    running.communicate(timeout=60)
    with suppress(psutil.NoSuchProcess):  # it is gone already
        psutil.Process(pid).wait(timeout=60)
    assert not psutil.pid_exists(pid)


@pytest.mark.parametrize(
    "arguments",
    [["three"], ["-c", "three=1"], ["-c", "one"], ["-c", "all=0"], ["-f", "nothing"], ["-f", "/"]],
)
def test_the_runner_starts_nothing_where_it_is_not_told_what(arguments, tmp_path):
    path = tmp_path / "Procfile"
    path.write_text("one: exec sleep 600\n")
    running = runner(path, *arguments, stderr=subprocess.PIPE)
    output, error = running.communicate(timeout=60)
    assert running.returncode == 1
    assert output == "" and len(error.splitlines()) == 1


def test_every_queue_has_a_worker_and_only_high_priority_runs_beside_high():
    from config.worker import queues

    commands = Procfile({}, ROOT).commands
    consumed = {
        name: command.split("-Q ")[1].split()[0].split(",")
        for name, command in commands.items()
        if " worker " in command
    }
    every = [queue for consumes in consumed.values() for queue in consumes]
    channels = ["push", "sms", "email", "webhook", "inbox"]
    assert sorted(every) == sorted(queues.names(channels))
    for consumes in consumed.values():
        assert len({queue.endswith(".high") for queue in consumes}) == 1, consumes


def test_workers_of_normal_and_low_priority_run_behind_all_others():
    for name, command in Procfile({}, ROOT).commands.items():
        behind = re.search(r"\.(normal|low)\b", command) is not None
        assert command.startswith("exec bin/behind ") == behind, name


def test_what_leads_a_session_runs_behind_other_sessions():
    said = nice_and_group(start_new_session=True)
    assert said[0] == behind()
    assert said[1:] in ([], ["nice 10"])  # without groups of sessions nice is enough


def test_what_leads_no_session_leaves_the_others_of_its_session_alone():
    assert nice_and_group()[:1] == [behind()]
    assert nice_and_group()[1:] != ["nice 10"]


def behind():
    """The nice value of a command under ``bin/behind``: 10 more than ours, which may be nice."""
    return str(min(19, os.nice(0) + 10))


def nice_and_group(**options):
    """The nice values of a command under ``bin/behind`` and of its session."""
    look = "nice; sed 's/.* nice/nice/' /proc/self/autogroup 2>/dev/null || true"
    command = [ROOT / "bin" / "behind", "sh", "-c", look]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, **options
    ).stdout.splitlines()


#: Large pieces between small ones that stay; prints how many MB of the large ones are given back.
LARGE_PIECES = """
import os
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
once = [bytearray(400_000) for _ in range(10)]
del once
large, small = [], []
for _ in range(200):
    large.append(bytearray(b"x" * 300_000))
    small.append(bytearray(20_000))
held = resident()
large.clear()
print((held - resident()) // 1_000_000)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="says what a process holds")
def test_what_runs_behind_gives_back_the_memory_it_frees():
    command = [ROOT / "bin" / "behind", sys.executable, "-c", LARGE_PIECES]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) > 50  # of 60; without, next to nothing


def test_every_worker_has_a_name_of_its_own():
    commands = Procfile({}, ROOT).commands
    own = re.compile(r" worker -n (?:(\w+)|\$\{HONCHO_PROCESS_NAME:-(\w+)\})@%h ")
    workers = {name: command for name, command in commands.items() if " worker " in command}
    assert workers
    for name, command in workers.items():
        assert name in own.search(command).groups()


def test_one_that_listens_at_a_port_is_not_in_the_way_of_several_others():
    assert Procfile({}, ROOT).formation("all=2", ["push"]) == {"push": 2}
    assert Procfile({}, ROOT).formation("all=2,web=1")["push"] == 2


def test_several_processes_of_one_entry_have_names_of_their_own(procfile):
    with procfile.start("one", "two", formation={"two": 2}) as running:
        running.wait_ready()
        assert set(running.pids()) == {"one", "two", "two.2"}
        running.kill("two.2")
        assert running.dead() == ["two.2"]


@pytest.mark.parametrize(
    ("formation", "says"),
    [
        ("push=two", "written push=2,sms=2"),
        ("pusch=2", "has no pusch"),
        ("all=1,web=2", "web=1, and set WEB_PROCESSES"),
        ("all=2", "web=1, and set WEB_PROCESSES"),
    ],
)
def test_a_formation_that_cannot_be_read_is_refused_before_anything_starts(
    formation, says, monkeypatch, tmp_path
):
    monkeypatch.setenv("FORMATION", formation)
    with pytest.raises(StackError, match=says):
        up(tmp_path / "state")
    assert not (tmp_path / "state").exists()
