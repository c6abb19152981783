// This box against the golden lines: node check_vectors.mjs FOLDER
// Prints how much of each was checked; ends with 1 at the first difference.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { makeBook, priceInterval } from "./charging.mjs";
import { knows, misfit } from "./fields.mjs";
import { checkSignature, encoding, keyFromSeed, keyid, rawPublic, readLine, readPayload, seal } from "./line.mjs";

const folder = process.argv[2];
const load = (name) => JSON.parse(readFileSync(join(folder, name), "utf-8"));
const checked = {};
const count = (what) => (checked[what] = (checked[what] ?? 0) + 1);

const { keys, signed_by: signedBy } = load("keys.json");
const pairs = new Map();
for (const key of keys) {
  const pair = keyFromSeed(Buffer.from(key.seed, "hex"));
  assert.equal(rawPublic(pair).toString("base64"), key.public);
  assert.equal(keyid(rawPublic(pair)), key.keyid);
  pairs.set(key.name, pair);
  count("keys");
}
const keysFor = (type) => [signedBy[type]].flat().map((role) => rawPublic(pairs.get(role)));

function checkLine(one) {
  const line = readLine(one.line);
  assert.equal(line.hash, one.hash, one.name);
  assert.equal(encoding(one.payload_type, Buffer.from(one.payload)).toString(), one.pae);
  checkSignature(line, one.signed_by.map((name) => rawPublic(pairs.get(name))));
  if (knows(line.type)) readPayload(line);
  count("lines");
  return line;
}

for (const one of load("lines.json")) {
  checkLine(one);
  if (one.payload === JSON.stringify(JSON.parse(one.payload))) {
    assert.equal(seal(one.type, JSON.parse(one.payload), pairs.get(one.signed_by[0])).raw, one.line, one.name);
    count("lines written again, byte for byte");
  }
}
load("good.json").forEach(checkLine);

let prev = "0".repeat(64);
for (const one of load("commands.json")) {
  const { value } = readPayload(checkLine(one));
  if (one.signed_by.length > 1) continue; // a second signature on an earlier number
  assert.equal(value.prev, prev);
  prev = one.hash;
  count("commands in their chain");
}

const { epoch_line: epochLine, batches } = load("batches.json");
let before = readLine(epochLine.line ?? epochLine).hash;
for (const one of batches) {
  checkLine(one);
  assert.equal(JSON.parse(one.payload).prev, before);
  before = one.hash;
  count("batches in their chain");
}

for (const one of load("refused.json")) {
  let gate = null;
  try {
    const line = readLine(one.line);
    checkSignature(line, keysFor(line.type));
    if (!knows(line.type)) continue;
    const { value, faultsApart } = readPayload(line);
    if (line.type === "command" && (!knows(value.kind) || faultsApart || misfit(value.body, value.kind))) gate = "body";
  } catch (fault) {
    gate = fault.gate;
  }
  assert.equal(gate, one.gate, `${one.name}: ${one.why}`);
  count("lines refused at the right gate");
}

const { books, cases } = load("charging.json");
for (const one of cases) {
  const { zone, versions } = books[one.book];
  const book = makeBook(zone, versions.map((text, n) => [n + 1, text]));
  const tariff = one.result.parts[0].tariff;
  const found = priceInterval(book, { ...one, tariff });
  const sorted = (result) => ({ ...result, flags: [...result.flags].sort() });
  assert.ok(isDeepStrictEqual(sorted(found), sorted(one.result)), `${one.name}: ${JSON.stringify(found)}`);
  count("charges");
}
console.log(JSON.stringify(checked));
