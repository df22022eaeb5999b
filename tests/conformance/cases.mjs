// SPDX-License-Identifier: Apache-2.0
//
// cases - turns the conformance suite of google/cel-spec, as the npm package
// @bufbuild/cel-spec ships it, into lines of JSON that run.c reads.
//
//   node cases.mjs FOLDER-OF-THE-PACKAGE > cases.jsonl
//
// One line is one case:
//   name       file/section/case; "#2" is added to the second of one name
//   expr       the expression
//   container  the namespace that names are looked up in
//   check, macros   false: without the checker, without macros
//   variables  [{name, type, value?}]: what is declared, what is bound
//   functions  [{name, args, type}]: functions that are declared only
//   want       {value} | {error: message} | {type}: what must come out
//   type       the type that cel-go's checker finds, where it finds one
//   out        why the case needs protobuf, when it does
//
// Values are written with their kind, because JSON can't tell them apart:
// ["int", "5"], ["map", [[key, value], ...]], ["timestamp", seconds, nanos].
// I1  A case is out of scope only when it builds, reads, declares or expects a
//     protobuf message, wrapper or enum. A container alone is no reason.
// I2  The data is the pinned one: its sum is compared.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const SHA512 = "0960ad793f96f07d1e465df4eb485a26de852a903e057b2617bb9f514dc16644f1d9ef2b8ea19346c4076927a9a3f910fd2c5ce2c7d38325a822b051322e62b3";

const WRAPPERS = /\bgoogle\.protobuf\.(Bool|Bytes|Double|Float|Int32|Int64|String|UInt32|UInt64)Value\b/;
const STRUCTS = /\bgoogle\.protobuf\.(Struct|Value|ListValue)\b/;
const ANY = /\bgoogle\.protobuf\.Any\b/;
const TIMES = /\bgoogle\.protobuf\.(Timestamp|Duration)$/;
const ENUMS = /\b(GlobalEnum|NestedEnum)\b/;

// The reason with which a protobuf type's name puts a case out of scope.
function reasonOf(type) {
  if (WRAPPERS.test(type)) return "wrapper";
  if (STRUCTS.test(type)) return "struct";
  if (ANY.test(type)) return "any";
  return "message";
}

class NeedsProtobuf extends Error {}

// The expression without comments and what stands in quotes.
function bare(expr) {
  return expr.replace(
    /\/\/[^\n]*|[rRbB]{0,2}(?:"""[^]*?"""|'''[^]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')/g,
    (found) => (found.startsWith("//") ? " " : '""'),
  );
}

function seconds(text) {
  const [, sign, whole, part = ""] = /^(-?)(\d+)(?:\.(\d+))?s$/.exec(text);
  const factor = sign ? -1 : 1;
  return [String(factor * Number(whole)), factor * Number(part.padEnd(9, "0").slice(0, 9))];
}

function objectValue(object) {
  const type = object["@type"].replace("type.googleapis.com/", "");
  if (!TIMES.test(type)) throw new NeedsProtobuf(reasonOf(type));
  if (type.endsWith("Duration")) return ["duration", ...seconds(object.value)];
  return ["timestamp", String(Math.floor(Date.parse(object.value) / 1000)), 0];
}

function double(value) {
  return ["double", Object.is(value, -0) ? "-0.0" : String(value)];
}

// A value of google.api.expr with its kind.
function valueOf(value) {
  const [kind] = Object.keys(value);
  const inner = value[kind];
  switch (kind) {
    case "nullValue": return ["null_type"];
    case "boolValue": return ["bool", inner];
    case "int64Value": return ["int", inner];
    case "uint64Value": return ["uint", inner];
    case "doubleValue": return double(inner);
    case "stringValue": return ["string", inner];
    case "bytesValue": return ["bytes", Buffer.from(inner, "base64").toString("hex")];
    case "typeValue":
      if (ENUMS.test(inner)) throw new NeedsProtobuf("enum");
      return ["type", inner];
    case "listValue": return ["list", (inner.values ?? []).map(valueOf)];
    case "mapValue":
      return ["map", (inner.entries ?? []).map((e) => [valueOf(e.key), valueOf(e.value)])];
    case "enumValue": throw new NeedsProtobuf("enum");
    case "objectValue": return objectValue(inner);
    default: throw new Error(`unknown kind of value: ${kind}`);
  }
}

const PRIMITIVES = {
  BOOL: "bool", INT64: "int", UINT64: "uint", DOUBLE: "double", STRING: "string", BYTES: "bytes",
};

// The outermost type that a declaration names.
function typeOf(type) {
  if ("primitive" in type) return PRIMITIVES[type.primitive];
  if ("null" in type) return "null_type";
  if ("dyn" in type || "typeParam" in type) return "dyn";
  if ("listType" in type) return "list";
  if ("mapType" in type) return "map";
  if ("wrapper" in type) throw new NeedsProtobuf("wrapper");
  if ("wellKnown" in type)
    return `google.protobuf.${type.wellKnown === "DURATION" ? "Duration" : "Timestamp"}`;
  if ("abstractType" in type) return type.abstractType.name;
  if ("messageType" in type) {
    if (TIMES.test(type.messageType)) return type.messageType;
    throw new NeedsProtobuf(reasonOf(type.messageType));
  }
  throw new Error(`unknown type: ${JSON.stringify(type)}`);
}

// A type with all its parts: "map(string, list(int))".
function wholeTypeOf(type) {
  if ("listType" in type) return `list(${wholeTypeOf(type.listType.elemType)})`;
  if ("mapType" in type)
    return `map(${wholeTypeOf(type.mapType.keyType)}, ${wholeTypeOf(type.mapType.valueType)})`;
  if ("abstractType" in type)
    return `${type.abstractType.name}(${type.abstractType.parameterTypes.map(wholeTypeOf).join(", ")})`;
  return typeOf(type);
}

const GO_TYPES = {
  null: "null_type", timestamp: "google.protobuf.Timestamp", duration: "google.protobuf.Duration",
};

// cel-go's text of a type in CEL's own words; a type has no parts here.
function translated(type) {
  return type.startsWith("type(") ? "type"
    : type.replace(/\b(null|timestamp|duration)\b/g, (name) => GO_TYPES[name]);
}

// Why the text alone needs protobuf, or null.
function reasonInText(expr) {
  const literal = /\.?\b(?!in\b)[A-Za-z_][\w.]*(?=\s*\{)/.exec(expr);
  if (literal) return reasonOf(literal[0]);
  return ENUMS.test(expr) ? "enum" : null;
}

function uses(expr, name) {
  return new RegExp(`(?<![\\w.])${name.replaceAll(".", "\\.")}(?!\\w)`).test(expr);
}

// Runs `make`; what needs protobuf is noted in `line` and gives undefined.
function unlessProtobuf(line, make) {
  try {
    return make();
  } catch (e) {
    if (!(e instanceof NeedsProtobuf)) throw e;
    line.out ??= e.message;
    return undefined;
  }
}

function variablesOf(line, test, text) {
  const found = new Map();
  for (const { name, ident } of test.typeEnv ?? []) {
    if (!ident) continue;
    const where = uses(text, name) ? line : {};
    found.set(name, { name, type: unlessProtobuf(where, () => typeOf(ident.type)) ?? "dyn" });
  }
  for (const [name, { value }] of Object.entries(test.bindings ?? {})) {
    const bound = found.get(name) ?? { name, type: "dyn" };
    const where = uses(text, name) ? line : {};
    found.set(name, { ...bound, value: unlessProtobuf(where, () => valueOf(value)) });
  }
  return [...found.values()];
}

function functionsOf(line, test) {
  return (test.typeEnv ?? []).filter((d) => d.function).flatMap(({ name, function: f }) =>
    f.overloads.map((o) => ({
      name,
      args: unlessProtobuf(line, () => o.params.map(typeOf)) ?? [],
      type: unlessProtobuf(line, () => typeOf(o.resultType)) ?? "dyn",
    })));
}

function wantOf(line, test) {
  if (test.evalError) return { error: test.evalError.errors[0].message };
  const typed = test.typedResult;
  const want = {};
  if (typed) want.type = unlessProtobuf(line, () => wholeTypeOf(typed.deducedType));
  if (test.checkOnly) return want;
  const value = test.value ?? typed?.result ?? { boolValue: true };
  return { ...want, value: unlessProtobuf(line, () => valueOf(value)) };
}

function lineOf(name, { original: test, type }) {
  const line = { name, expr: test.expr };
  const text = bare(test.expr);
  line.out = reasonInText(text) ?? undefined;
  line.container = test.container;
  if (test.disableCheck) line.check = false;
  if (test.disableMacros) line.macros = false;
  line.variables = variablesOf(line, test, text);
  line.functions = functionsOf(line, test);
  line.want = wantOf(line, test);
  if (type && !test.disableCheck) line.type = translated(type);
  return line;
}

function* casesOf(suite, path) {
  for (const inner of suite.suites ?? []) yield* casesOf(inner, [...path, inner.name]);
  for (const test of suite.tests ?? []) yield [[...path, test.original.name].join("/"), test];
}

async function main(folder) {
  const file = resolve(folder, "dist/esm/testdata/conformance.js");
  const sum = createHash("sha512").update(readFileSync(file)).digest("hex");
  if (sum !== SHA512) throw new Error(`${file} isn't the pinned one: its sha512 is ${sum}`);
  const { tests } = await import(pathToFileURL(file));
  const seen = new Map();
  for (const [name, test] of casesOf(tests, [])) {
    const nth = (seen.get(name) ?? 0) + 1;
    seen.set(name, nth);
    console.log(JSON.stringify(lineOf(nth > 1 ? `${name}#${nth}` : name, test)));
  }
}

await main(process.argv[2]);
