"""Migrations do not break processes of the version before."""

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from tests.support.migration_rules import objections

#: The last migration of each app from before this rule.
BEFORE = {
    "content": 3,
    "delivery": 15,
    "inbox": 3,
    "preferences": 9,
    "publishers": 6,
    "topics": 6,
}


def test_no_migration_stops_the_version_before(transactional_db):
    loader = MigrationLoader(connection, replace_migrations=False)
    wrong = []
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        if not type(migration).__module__.startswith("apps."):
            continue
        if int(name[:4]) <= BEFORE.get(app, 0):
            continue
        plan = [(migration, False)]
        said = objections(loader.collect_sql(plan), atomic=migration.atomic)
        wrong += [f"{app}.{name}: {one}" for one in said]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "statement",
    [
        'CREATE INDEX "waiting" ON "delivery_chunk" ("state")',
        'CREATE UNIQUE INDEX "waiting" ON "delivery_chunk" ("state") WHERE "state" = 1',
        'ALTER TABLE "delivery_chunk" ADD CONSTRAINT "one" UNIQUE ("state")',
        'ALTER TABLE "delivery_chunk" ADD CONSTRAINT "one" FOREIGN KEY ("a") REFERENCES "b" ("id")',
        'ALTER TABLE "delivery_chunk" ADD CONSTRAINT "one" CHECK ("size" > 0)',
        'ALTER TABLE "delivery_chunk" ALTER COLUMN "size" TYPE bigint USING "size"::bigint',
        'ALTER TABLE "delivery_chunk" ALTER COLUMN "size" SET NOT NULL',
        'ALTER TABLE "delivery_chunk" ADD COLUMN "size" integer NOT NULL',
        'ALTER TABLE "delivery_chunk" ALTER COLUMN "size" DROP DEFAULT',
        'ALTER TABLE "delivery_chunk" RENAME COLUMN "size" TO "count"',
        'ALTER TABLE "delivery_chunk" DROP COLUMN "size" CASCADE',
        'DROP TABLE "delivery_chunk" CASCADE',
        'ALTER TABLE "delivery_chunk" ADD COLUMN "size" integer UNIQUE',
        'ALTER TABLE "delivery_chunk" ADD COLUMN "a" integer REFERENCES "b" ("id")',
        'ALTER TABLE "delivery_chunk" ADD COLUMN "at" float8 DEFAULT random() NOT NULL',
        "REINDEX TABLE delivery_chunk",
        "CLUSTER delivery_chunk USING waiting",
        "LOCK TABLE delivery_chunk IN EXCLUSIVE MODE",
        "VACUUM FULL delivery_chunk",
    ],
)
def test_what_the_rule_refuses(statement):
    assert len(objections(["BEGIN;", statement + ";", "COMMIT;"], atomic=True)) == 1


@pytest.mark.parametrize(
    ("statements", "atomic"),
    [
        (['CREATE INDEX CONCURRENTLY "waiting" ON "delivery_chunk" ("state")'], False),
        (['CREATE TABLE "kept" ("id" int)', 'CREATE INDEX "by" ON "kept" ("id")'], True),
        (['ALTER TABLE "delivery_chunk" ADD COLUMN "size" integer DEFAULT 0 NOT NULL'], True),
        (['ALTER TABLE "delivery_chunk" ADD COLUMN "size" integer NULL'], True),
        (['ALTER TABLE "c" ADD CONSTRAINT "one" UNIQUE USING INDEX "waiting"'], True),
        (['ALTER TABLE "c" ADD CONSTRAINT "one" CHECK ("size" > 0) NOT VALID'], True),
        (['ALTER TABLE "c" VALIDATE CONSTRAINT "one"'], True),
        (["UPDATE delivery_chunk SET size = 1 WHERE size = 0"], True),
    ],
)
def test_what_the_rule_lets_through(statements, atomic):
    assert objections(statements, atomic=atomic) == []


def test_what_is_not_atomic_has_nothing_but_concurrent_statements():
    added = 'ALTER TABLE "delivery_chunk" ADD COLUMN "size" integer NULL'
    assert objections([added], atomic=False)
