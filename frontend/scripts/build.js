/** Builds all that is shipped: the npm package's modules and types, and the scripts for Django. */

import { execFileSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const FRONTEND = fileURLToPath(new URL("..", import.meta.url));
const DIST = `${FRONTEND}dist`;
const STATIC = `${FRONTEND}../pushjobs/static/pushjobs`;

/** Build entries (name → source). What they have in common, or load later, are files beside them. */
const bundle = (outDir, entry, chunkFileNames) =>
  build({
    root: FRONTEND,
    logLevel: "warn",
    build: {
      outDir,
      emptyOutDir: false,
      lib: { entry, formats: ["es"] },
      rolldownOptions: { output: { chunkFileNames } },
    },
  });

// What an entry refers to has its content in its name: whatever Django's storage calls the entries,
// and whatever is in a cache, they find what they were built with, and share one instance of it.
const scripts = { pushjobs: "src/index.ts", "pushjobs-elements": "src/elements/index.ts" };
const [{ output }] = await bundle(STATIC, scripts, "pushjobs-[name]-[hash].js");
const built = new Set(output.map(({ fileName }) => fileName));
for (const name of readdirSync(STATIC)) {
  if (name.startsWith("pushjobs") && !built.has(name)) rmSync(`${STATIC}/${name}`);
}

rmSync(DIST, { recursive: true, force: true });
const modules = { index: "src/index.ts", elements: "src/elements/index.ts", react: "src/react.ts" };
await bundle(DIST, modules, "[name].js");
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "--project", "tsconfig.build.json"], {
  cwd: FRONTEND,
  stdio: "inherit",
});
