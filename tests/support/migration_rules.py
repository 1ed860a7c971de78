"""Rules for migrations that run beside processes of the version before."""

import re
from collections.abc import Sequence

_TABLE = r'(?:IF (?:NOT )?EXISTS\s+)?(?:ONLY\s+)?"?(\w+)"?'
_CREATES = re.compile(rf"^CREATE (?:UNLOGGED )?TABLE {_TABLE}", re.I)
_ALTERS = re.compile(rf"^ALTER TABLE {_TABLE}\s+(.*)", re.I | re.S)
_INDEX = re.compile(r'^CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)\S+ ON (?:ONLY\s+)?"?(\w+)"?', re.I)
_CONCURRENTLY = re.compile(r"^(CREATE|DROP|REINDEX)\b.*\bCONCURRENTLY\b", re.I | re.S)
_LOCKS = re.compile(r"^(LOCK|CLUSTER|VACUUM FULL|REINDEX (?!.*CONCURRENTLY))\b", re.I)
#: Clauses that an ALTER TABLE may not have, and why.
_CLAUSES = (
    (r"ADD CONSTRAINT .*(UNIQUE|EXCLUDE|PRIMARY KEY)(?!.*USING INDEX)",
     "builds an index under a lock: AddIndexConcurrently first, then USING INDEX"),
    (r"ADD CONSTRAINT .*(FOREIGN KEY|CHECK)(?!.*NOT VALID)",
     "reads the table under a lock: NOT VALID, and VALIDATE in a later migration"),
    (r"ALTER COLUMN \S+ (SET DATA )?TYPE\b", "writes the table anew under a lock"),
    (r"ALTER COLUMN \S+ SET NOT NULL", "reads the table under a lock"),
    (r"ADD COLUMN (?!.*\bDEFAULT\b).*(?<!IS )NOT NULL",
     "refuses rows of the version before: give the field a db_default"),
    (r"ALTER COLUMN \S+ DROP DEFAULT",
     "refuses rows of the version before: give the field a db_default"),
    (r"RENAME\b", "takes a name from the version before"),
    (r"DROP COLUMN\b", "takes a column from the version before: in the release after it"),
    (r"ADD COLUMN .*\b(UNIQUE|PRIMARY KEY|REFERENCES)\b",
     "builds an index or reads under a lock"),
)  # fmt: skip


def objections(statements: Sequence[str], *, atomic: bool) -> list[str]:
    """Return the objections to the SQL of one migration, a sentence for each statement."""
    found, made = [], set()
    plain = [_plain(statement) for statement in statements]
    for statement in filter(None, plain):
        if created := _CREATES.match(statement):
            made.add(created[1])
        elif (index := _INDEX.match(statement)) and index[1] not in made:
            found.append(f"{statement}: stops who writes to {index[1]}: AddIndexConcurrently")
        elif _LOCKS.match(statement):
            found.append(f"{statement}: stops everybody who wants the table")
        elif re.match(r"DROP TABLE\b", statement, re.I):
            found.append(f"{statement}: takes a table from the version before")
        elif (altered := _ALTERS.match(statement)) and altered[1] not in made:
            found += [
                f"{statement}: {why}"
                for clause, why in _CLAUSES
                if re.search(clause, altered[2], re.I | re.S)
            ]
    if not atomic and (others := [one for one in plain if one and not _CONCURRENTLY.match(one)]):
        found.append(
            f"{others[0]}: is not done again where a migration that is not atomic is run again: "
            "only CONCURRENTLY belongs in it"
        )
    return found


def _plain(statement: str) -> str:
    """A statement without comments and needless space; "" where it bounds a transaction."""
    text = re.sub(r"--[^\n]*", "", statement)
    text = re.sub(r"\s+", " ", text).strip().rstrip(";")
    return "" if text in ("BEGIN", "COMMIT") or text.startswith("SET CONSTRAINTS") else text
