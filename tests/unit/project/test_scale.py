"""The parts of the lab of several hosts that need no root."""

import pytest

from scale import __main__ as command
from scale import hosts, lab, limit
from scale import report as reports
from scale.errors import Unavailable
from scale.limit import Limit
from scale.measure import Step, Work
from scale.report import BEGIN, END, report, write_page
from scale.usage import Usage
from stack.errors import StackError
from stack.supervision.process import ROOT
from stack.supervision.processes import Procfile

CPU = {"web": 500.0, "fanout": 20.0, "push": 80.0, "housekeeping": 1.0, "beat": 1.0}
CPU |= {"postgres": 400.0, "rabbitmq": 10.0, "redis": 5.0, "sink": 70.0}


def work(rate: float, **others: object) -> Work:
    figures = {"cores": 0.2, "cpu": CPU, "used": Usage(0.3, 3_000, 2, 0.01), **others}
    return Work(rate, **figures)


def steps(blasts=(1_000, 1_900, 3_600), batched=(500, 950, 1_800), **posted: object) -> list[Step]:
    """One, two and four hosts, by default just as they have to be."""
    return [
        Step(number, [work(blast)] * 3, [work(single)] * 3, [work(200, **posted)] * 3)
        for number, blast, single in zip((1, 2, 4), blasts, batched, strict=True)
    ]


def failing(found: list[Step]) -> list[str]:
    return [bar.what for bar in report(found, 0.5).bars if not bar.holds]


def test_what_scales_and_costs_just_as_it_has_to_holds():
    assert failing(steps()) == []


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (steps(blasts=(1_000, 1_890, 3_600)), "a blast: 2 hosts, of linear"),
        (steps(blasts=(1_000, 1_900, 3_590)), "a blast: 4 hosts, of linear"),
        (steps(batched=(500, 940, 1_800)), "singles in batches: 2 hosts, of linear"),
        (steps(batched=(500, 950, 1_790)), "singles in batches: 4 hosts, of linear"),
        (steps(cpu=CPU | {"postgres": 401.0}), "a single: µs of PostgreSQL's CPU"),
        (steps(used=Usage(0.31, 3_000, 2, 0.01)), "a single: transactions"),
        (steps(used=Usage(0.3, 3_001, 2, 0.01)), "a single: bytes of WAL"),
    ],
)
def test_each_bar_fails_by_itself(found, what):
    assert failing(found) == [what]


def test_a_ratio_is_of_the_medians_and_of_as_many_times_the_first():
    one, two, _ = steps()
    odd = Step(2, [work(rate) for rate in (1, 1_900, 9_999)], two.batched, two.posted)
    assert report([one, odd], 0).bars[0].value == pytest.approx(0.95)


def test_usage_is_divided_by_the_deliveries():
    assert Usage(30, 6_000, 90, 3).each(30) == Usage(1, 200, 3, 0.1)


def test_the_pages_tables_are_put_between_their_marks(tmp_path, monkeypatch):
    page = tmp_path / "scaling.md"
    page.write_text(f"Before.\n\n{BEGIN}\nold\n{END}\n\nAfter.\n")
    monkeypatch.setattr(reports, "PAGE", page)
    about = {"commit": "abc", "cores": 2, "cpu": "one", "load_before": 0.1}
    for _ in range(2):  # the marks stay
        write_page(steps(), about, 0)
    text = page.read_text()
    assert text.startswith("Before.\n") and text.endswith("\nAfter.\n") and "old" not in text
    assert "| a blast, 4 hosts | 3,600 | 3,600 3,600 3,600 | 0.90 | 0.200 |" in text
    # 100 million a day are 1,157 a second, of 400 µs each, whatever the mix.
    assert "| PostgreSQL | 0.46 | 1.39 |" in text
    page.write_text("no marks")
    with pytest.raises(StackError, match="has no"):
        write_page(steps(), about, 0)


def test_the_page_has_the_marks_for_its_tables():
    text = (ROOT / "docs" / "scaling.md").read_text()
    assert text.count(BEGIN) == text.count(END) == 1


def test_hosts_run_processes_of_the_procfile():
    assert {*lab.ONCE, *lab.EACH} <= set(Procfile({}, ROOT).commands)
    parts = {name for names in reports.PARTS.values() for name in names}
    assert parts == set(CPU) - {"sink"}


@pytest.mark.parametrize(
    ("version", "limited", "free"),
    [
        (
            1,
            {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "20000"},
            {"cpu.cfs_quota_us": "-1"},
        ),
        (2, {"cpu.max": "20000 100000"}, {"cpu.max": "max 100000"}),
    ],
)
def test_a_limit_is_written_as_either_version_has_it(version, limited, free, tmp_path, monkeypatch):
    if version == 1:
        (tmp_path / "cpu").mkdir()
        (tmp_path / "cpu" / "cpu.cfs_quota_us").touch()
    else:
        (tmp_path / "cgroup.controllers").write_text("cpuset cpu memory\n")
    monkeypatch.setattr(limit, "ROOT", tmp_path)
    host = Limit("host")
    assert host.directory == tmp_path / ("cpu/host" if version == 1 else "host")
    for cores, files in ((0.2, limited), (None, free)):
        host.set(cores)
        for name, said in files.items():
            assert (host.directory / name).read_text() == said


def test_a_machine_without_control_groups_for_cpu_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(limit, "ROOT", tmp_path)
    (tmp_path / "cgroup.controllers").write_text("memory\n")
    with pytest.raises(Unavailable, match="limits CPU"):
        limit.check()


def test_without_root_hosts_are_refused_with_what_to_do(monkeypatch):
    monkeypatch.setattr(hosts.os, "geteuid", lambda: 1000)
    with pytest.raises(Unavailable, match="run it as root"), hosts.network(["a"]):
        pass


def test_a_lab_that_cannot_be_had_is_skipped_with_a_word_and_a_code(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["scale"])
    monkeypatch.setattr(hosts.os, "geteuid", lambda: 1000)
    assert command.main() == command.SKIPPED == 77
    assert "Skipped: network namespaces need root" in capsys.readouterr().err
