// Bundles the library into dist/, or with --tests what node's test runner runs into build/.
import { readdirSync, rmSync } from "node:fs";
import { build } from "esbuild";

const common = { bundle: true, format: "esm", target: "es2022", logLevel: "warning", charset: "utf8" };

if (process.argv.includes("--tests")) {
  rmSync("build", { recursive: true, force: true });
  await build({
    ...common,
    entryPoints: readdirSync("test").filter((name) => name.endsWith(".test.ts")).map((name) => `test/${name}`),
    outdir: "build",
    outExtension: { ".js": ".mjs" },
    platform: "node",
    sourcemap: "inline",
  });
} else {
  rmSync("dist", { recursive: true, force: true });
  const minified = { ...common, minify: true, legalComments: "none" };
  await build({
    ...minified,
    entryPoints: ["src/index.ts", "src/elements.ts", ...readdirSync("src/defined").map((name) => `src/defined/${name}`)],
    entryNames: "[name]",
    outdir: "dist",
    splitting: true,
    chunkNames: "shared-[hash]",
  });
  // A file of its own, without imports: it is easily served or copied.
  await build({ ...minified, entryPoints: ["src/worker.ts"], outdir: "dist" });
}
