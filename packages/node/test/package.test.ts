import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { VERSION } from "../src/version.js";

test("the version is that of the package, and the changelog has it", () => {
  assert.equal(JSON.parse(readFileSync("package.json", "utf8")).version, VERSION);
  assert.match(readFileSync("CHANGELOG.md", "utf8"), new RegExp(`^## (${VERSION}|Unreleased)`, "m"));
});
