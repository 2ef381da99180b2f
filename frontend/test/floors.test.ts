/// <reference types="vite/client" />
import { expect, test } from "vitest";

/** The modules, the lowest floor first: each imports only from lower ones (`docs/architecture.md`). */
const FLOORS = [
  "wire monitor",
  "errors environment eventstream cursors listeners backlog",
  "problems store backoff timers watch",
  "source job",
  "credentials ladder",
  "transports/*",
  "attempt",
  "connection channels",
  "tabs/*",
  "sharing",
  "share",
  "following lazy-source",
  "api",
  "submission subscription",
  "client",
  "clients",
  "fetch-async",
  "get-async-request react",
  "index",
  "elements/*",
].map((floor) => floor.split(" "));

const sources = import.meta.glob<string>("../src/**/*.ts", { query: "?raw", import: "default", eager: true });
const nameOf = (path: string) => path.replace(/^.*\/src\/|\.ts$/g, "");
const floorOf = (module: string) => FLOORS.findIndex((floor) => floor.includes(module.replace(/\/.*/, "/*")));

test.each(Object.entries(sources).map(([path, text]) => [nameOf(path), path, text] as const))(
  "%s imports only from lower floors",
  (module, path, text) => {
    const floor = floorOf(module);
    expect(floor).toBeGreaterThanOrEqual(0);
    for (const [, found = ""] of text.matchAll(/\b(?:from |import\()"(\.[^"]+)"/g)) {
      const imported = nameOf(new URL(found, `file:///${path.replace("../", "")}`).pathname);
      const family = module.includes("/") && imported.split("/")[0] === module.split("/")[0];
      if (!family) expect(floorOf(imported), `${module} imports ${imported}`).toBeLessThan(floor);
    }
  },
);
