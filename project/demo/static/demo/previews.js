import { element } from "./markup.js";

/** Columns of a profile that are shown. */
const COLUMNS = 20;

/** What is shown of a result, by its job's name: a function of the result, and of the response's URL. */
const PREVIEWS = {
  "demo.profile_csv": (result, url) => [
    element(
      "p",
      {},
      `${result.file}: ${number(result.rows)} rows, ${number(result.columns.length)} columns, ${result.encoding}`,
    ),
    profile(result.columns),
    element("p", {}, element("a", { href: url, download: "profile.json" }, "Download profile.json")),
  ],
  "demo.compress_video": (result, url) => [
    element("video", { src: url, controls: "", preload: "metadata", "aria-label": "The compressed video" }),
    element(
      "p",
      {},
      `${number(result.seconds)} s of video: ${megabytes(result.before)} before, ${megabytes(result.after)} after ` +
        `(${percent(result.ratio)})`,
    ),
  ],
  "demo.narrate": (result) => [
    facts({
      Words: number(result.words),
      Different: number(result.unique_words),
      Sentences: number(result.sentences),
      Characters: number(result.characters),
      Longest: result.longest_word,
      "Reading time": `${number(result.reading_seconds)} s`,
    }),
  ],
};

/** What to show of a job's result, whose response is at `url`; null where there is none to show. */
export function preview({ name, status, result }, url) {
  const make = PREVIEWS[name];
  if (status !== "succeeded" || !result || !make) return null;
  return element("div", { class: "preview" }, ...make(result, url));
}

function profile(columns) {
  const heads = ["Column", "Type", "Empty", "Distinct", "Least", "Most", "Most often"];
  const table = element(
    "table",
    {},
    element("thead", {}, element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)))),
    element("tbody", {}, ...columns.slice(0, COLUMNS).map(row)),
  );
  const scroll = element(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": "Profile" },
    table,
  );
  const left = columns.length - COLUMNS;
  if (left > 0) scroll.append(element("p", {}, `${number(left)} more columns`));
  return scroll;
}

function row(column) {
  const distinct = number(column.distinct) + (column.distinct_exact ? "" : "+");
  const cells = [column.type, number(column.nulls), distinct, value(column.min), value(column.max)];
  const often = column.top.length > 0 ? column.top[0].value : "";
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, column.name),
    ...[...cells, often].map((text) => element("td", {}, text)),
  );
}

function facts(pairs) {
  const entries = Object.entries(pairs).map(([name, text]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, text)),
  );
  return element("dl", { class: "facts" }, ...entries);
}

function value(given) {
  if (given === undefined) return "";
  return typeof given === "number" ? number(given) : given;
}

function number(given) {
  return given.toLocaleString("en", { maximumFractionDigits: 2, useGrouping: Math.abs(given) >= 10_000 });
}

function percent(ratio) {
  return ratio.toLocaleString("en", { style: "percent" });
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
