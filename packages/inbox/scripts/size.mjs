// Fails where the library has become larger than its budget, gzipped, or is not tree-shaken.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** Return the gzipped bytes of what a bundler makes of this code. */
async function bundled(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: process.cwd() },
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
    logLevel: "error",
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

const worker = gzipSync(readFileSync("dist/worker.js"), { level: 9 }).length;
const client = await bundled('export { NotifierInbox } from "./dist/index.js"');
const all = await bundled('export * from "./dist/index.js"; export * from "./dist/elements.js"');
const unused = await bundled('import "./dist/index.js"');
/** Return the gzipped bytes of a page with the client and one element. */
async function withOne(name) {
  const files = ["index", name].map((file) => `export * from "./dist/${file}.js"`);
  return worker + (await bundled(files.join(";")));
}

const sizes = [
  ["client and worker", client + worker, 15_000],
  ["with the elements", all + worker, 30_000],
  ["with <notifier-bell> and its list alone", await withOne("bell"), 22_000],
  ["with <notifier-inbox> alone", await withOne("inbox"), 21_000],
  ["with <notifier-preferences> alone", await withOne("preferences"), 21_000],
  ["with <notifier-toasts> alone", await withOne("toasts"), 19_000],
  ["what is imported and not used", unused, 100],
];
for (const [what, bytes, most] of sizes) {
  console.log(`${what}: ${bytes} bytes gzipped, of ${most}`);
  if (bytes > most) process.exitCode = 1;
}
