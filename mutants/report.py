"""The report: mutants by file, and the change of each that survived."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mutants.generate import Mutant

#: What became of a mutant. Too slow: its tests did not end, which somebody would notice.
Fate = Literal["killed", "too slow", "survived", "not run"]
SURVIVED = ("survived", "not run")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a mutant; ``by``: the test that failed, where one did."""

    mutant: Mutant
    fate: Fate
    by: str = ""

    @property
    def survived(self) -> bool:
        """Whether no test failed."""
        return self.fate in SURVIVED


def table(results: Sequence[Result]) -> str:
    """Return the table of files, in Markdown."""
    lines = ["| file | mutants | killed | survived |", "|---|---|---|---|"]
    paths = list(dict.fromkeys(result.mutant.path for result in results))
    tried = Counter(result.mutant.path for result in results)
    survived = Counter(result.mutant.path for result in results if result.survived)
    for path in paths:
        killed = tried[path] - survived[path]
        lines.append(f"| `{path}` | {tried[path]} | {killed} | {survived[path]} |")
    total, left = tried.total(), survived.total()
    return "\n".join([*lines, f"| all | {total} | {total - left} | {left} |"])


def survivors(results: Sequence[Result]) -> str:
    """Return the changes that no test failed on."""
    return "\n\n".join(
        f"{result.mutant.name}: {result.fate}\n{result.mutant.difference}"
        for result in results
        if result.survived
    )
