/**
 * Prints how large the scripts for pages are, in bytes, with all that they import, and which are over
 * their limit once they are gzipped: with `--strict` it fails then. What is loaded when it is first
 * needed is counted apart.
 */

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const STATIC = new URL("../../pushjobs/static/pushjobs/", import.meta.url);
/** At once, and later: what it takes to follow jobs. */
const LIMITS = { "pushjobs.js": [8 * 1024, 11 * 1024], "pushjobs-elements.js": [15 * 1024, 11 * 1024] };
const IMPORT = /\b(?:from|import)\s*["']\.\/([^"']+)["']/g;
const LATER = /\bimport\(\s*["'`]\.\/([^"'`]+)["'`]\s*\)/g;

const text = (name) => readFileSync(new URL(name, STATIC), "utf8");
const size = (names) => [...names].reduce((sum, name) => sum + gzipSync(text(name), { level: 9 }).length, 0);

/** Files with all that they import, and that imports in turn. */
function closure(names) {
  const found = new Set(names);
  for (const name of found) for (const [, other] of text(name).matchAll(IMPORT)) found.add(other);
  return found;
}

const rows = Object.entries(LIMITS).map(([name, [limit, limitLater]]) => {
  const now = closure([name]);
  const lazy = [...now].flatMap((file) => [...text(file).matchAll(LATER)].map(([, other]) => other));
  const later = [...closure(lazy)].filter((file) => !now.has(file));
  const raw = [...now].reduce((sum, file) => sum + text(file).length, 0);
  return { name, raw, gzip: size(now), limit, later: size(later), limitLater };
});
console.table(Object.fromEntries(rows.map(({ name, ...sizes }) => [name, sizes])));
for (const { name, gzip, limit, later, limitLater } of rows) {
  const over = Math.max(gzip - limit, later - limitLater);
  if (over <= 0) continue;
  console.error(`${name} is over its limit by ${over} bytes.`);
  process.exitCode = Number(process.argv.includes("--strict"));
}
