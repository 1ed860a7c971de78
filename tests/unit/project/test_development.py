"""The Makefile's help, hooks, CI, the development container, and openings of docstrings."""

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

from stack.supervision.process import ROOT
from tests.unit.project.test_sizes import modules

MAKEFILE = (ROOT / "Makefile").read_text()


def recipe(target):
    """Return the commands of a target of the Makefile."""
    return re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.M)[1].split("\n\t")


def test_the_help_has_a_line_for_each_target():
    listed = re.findall(r"^# make (\S+)  .*\w", MAKEFILE, re.M)
    assert sorted(listed) == sorted(re.search(r"^\.PHONY: (.*)", MAKEFILE, re.M)[1].split())
    assert set(re.findall(r"^([a-z-]+):(?!=)", MAKEFILE, re.M)) == set(listed)
    assert len(MAKEFILE.partition("\n\n")[0].splitlines()) == len(listed)


def test_a_commit_is_checked_by_the_linters_of_make_lint():
    config = (ROOT / ".pre-commit-config.yaml").read_text()
    hooks = re.findall(r"^ +entry: (\S+(?: (?:check|format))?)", config, re.M)
    linters = [re.search(r"\S+(?: (?:check|format))?", line)[0] for line in recipe("lint")]
    assert sorted(hooks) == sorted(linter.strip("\t@") for linter in linters)
    assert re.findall("^ +- repo: (.*)", config, re.M) == ["local"]


def test_the_development_container_names_what_there_is():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert re.fullmatch(r"make ([a-z-]+)", container["postCreateCommand"])[1] in re.findall(
        r"^([a-z-]+):(?!=)", MAKEFILE, re.M
    )
    assert re.match(r"python:3\.(1[1-9])-", container["image"])
    interpreter = container["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert interpreter == "${workspaceFolder}/.venv/bin/python"
    up = (ROOT / "README.md").read_text()
    for port in container["forwardPorts"]:
        assert f"http://127.0.0.1:{port}" in up


def test_ci_runs_what_contributors_run_on_the_image_of_the_development_container():
    path = ROOT / ".github" / "workflows" / "ci.yml"
    command = [Path(sys.executable).with_name("check-jsonschema"), path]
    schema = ["--builtin-schema", "vendor.github-workflows"]
    checked = subprocess.run([*command, *schema], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    [job] = yaml.safe_load(path.read_text())["jobs"].values()
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert job["container"] == container["image"]
    assert job["steps"][-1]["run"] == "make ${{ matrix.target }}"
    targets = job["strategy"]["matrix"]["target"]
    assert {"demo", "lint", "test"} == set(targets) <= set(re.findall(r"^(\S+):", MAKEFILE, re.M))


#: A docstring or comment that opens with a question is one that has to be guessed.
QUESTION = r"(?:How|What|Whatever|When|Where|Whether|Which|Who|Whoever|Whose|Why)\b.*"
DOCSTRING = re.compile(rf'^ *"""{QUESTION}', re.M)
#: Lines of comments go on in the next one; only the first is an opening.
COMMENT = re.compile(rf"^(?! *#).*\n *(#:? {QUESTION})|^[^#\n]*  (#:? {QUESTION})", re.M)


def _questions(text: str) -> list[str]:
    comments = [alone or behind for alone, behind in COMMENT.findall(f"\n{text}")]
    return [found.strip() for found in [*DOCSTRING.findall(text), *comments]]


def test_no_docstring_or_comment_opens_with_a_question():
    assert _questions('def f():\n    """What it does."""\n')
    assert _questions("# Who reads it.\n") == ["# Who reads it."]
    assert _questions("x = 1  #: How many.\ny = 1\n\n# Why.\n") == ["#: How many.", "# Why."]
    assert not _questions("# It says\n# What it does.\nx = 'a  b'  # noqa\n")
    found = {str(path): _questions(path.read_text()) for path in modules()}
    assert {path: some for path, some in found.items() if some and not _is_test(path)} == {}


def _is_test(path: str) -> bool:
    return Path(path).name.startswith(("test_", "conftest"))


def test_scripts_of_the_admin_share_no_names():
    """Each is a script of the same page, in which the last function of a name is everybody's."""
    scripts = sorted((ROOT / "apps/publishers/static/operators").glob("*.js"))
    assert len(scripts) > 2
    for script in scripts:
        assert not re.findall(r"^(?:async |function|const|let|var|class)", script.read_text(), re.M)
