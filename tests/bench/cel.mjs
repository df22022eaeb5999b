// SPDX-License-Identifier: Apache-2.0
// The reference of tests/bench/cel: evaluations a second of a parsed expression.
//   node cel.mjs MODULES EXPRESSION DATA.json SECONDS
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, expression, file, seconds] = process.argv.slice(2);
const path = createRequire(modules + "/").resolve("@marcbachmann/cel-js");
const { parse } = await import(pathToFileURL(path));
const data = JSON.parse(readFileSync(file, "utf8"), (key, value) =>
  Number.isInteger(value) && key !== "percent_of_budget_used" ? BigInt(value) : value);
const evaluate = parse(expression);
if (evaluate({ data }) !== true) throw new Error("the reference says " + evaluate({ data }));
for (let i = 0; i < 50_000; i++) evaluate({ data });

const end = performance.now() + 1000 * Number(seconds);
const began = performance.now();
let count = 0;
while (performance.now() < end) {
  for (let i = 0; i < 1000; i++) evaluate({ data });
  count += 1000;
}
console.log(Math.round((count * 1000) / (performance.now() - began)));
