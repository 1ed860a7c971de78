"""The report: mutants by file, and the change of each that survived."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mutants.generate import Mutant

#: The end of a mutant. Too slow: its tests did not end, which somebody would notice.
Fate = Literal["killed", "too slow", "survived", "not run"]
SURVIVED = ("survived", "not run")


@dataclass(frozen=True, slots=True)
class Result:
    """The fate of a mutant; ``by``: the test that failed, where one did."""

    mutant: Mutant
    fate: Fate
    by: str = ""

    @property
    def survived(self) -> bool:
        """True if no test failed."""
        return self.fate in SURVIVED


def table(mutants: Sequence[Mutant], fates: Mapping[str, Fate]) -> str:
    """Return the table of files, in Markdown. ``fates``: by key, of the mutants that were tried."""
    lines = ["| file | mutants | tried | killed | survived |", "|---|---|---|---|---|"]
    paths = dict.fromkeys(mutant.path for mutant in mutants)
    for path in [*paths, ""]:
        of = [mutant.key for mutant in mutants if path in ("", mutant.path)]
        tried = [fates[key] for key in of if key in fates]
        survived = sum(fate in SURVIVED for fate in tried)
        numbers = [len(tried), len(tried) - survived, survived] if tried else 3 * ["–"]
        cells = [f"`{path}`" if path else "all", len(of), *numbers]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def survivors(results: Sequence[Result]) -> str:
    """Return the changes that no test failed on."""
    return "\n\n".join(
        f"{result.mutant.name}: {result.fate}\n{result.mutant.difference}"
        for result in results
        if result.survived
    )
