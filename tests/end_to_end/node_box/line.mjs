// Lines: DSSE v1 envelopes, one in a line of JSON; Ed25519 over their pre-authentication encoding.

import { createHash, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { misfit } from "./fields.mjs";
import { readJson } from "./strict_json.mjs";

const FAMILY = /^application\/vnd\.tallybox\.([a-z_]{1,40})\.v1\+json$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const LINE_BYTES_MAX = 6_291_456;
const BODY_BYTES_MAX = 16_777_216;
const PUBLIC_HEAD = Buffer.from("302a300506032b6570032100", "hex"); // SubjectPublicKeyInfo of Ed25519 (RFC 8410)
const PRIVATE_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");

/** A line, a signature or a payload that cannot be taken; `gate` says which of them. */
export class Refused extends Error {
  constructor(gate, why) {
    super(why);
    this.gate = gate;
  }
}

export const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
export const keyid = (raw) => sha256(raw);
export const publicKey = (raw) =>
  createPublicKey({ key: Buffer.concat([PUBLIC_HEAD, raw]), format: "der", type: "spki" });
export const keyFromSeed = (seed) =>
  createPrivateKey({ key: Buffer.concat([PRIVATE_HEAD, seed]), format: "der", type: "pkcs8" });
export const rawPublic = (key) => createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);

/** What is signed: lengths in bytes, decimal. */
export function encoding(payloadType, payload) {
  const type = Buffer.from(payloadType);
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${payloadType} ${payload.length} `), payload]);
}

/** Sign a payload. Gives the line as text and its hash. */
export function seal(type, payload, key) {
  const payloadType = `application/vnd.tallybox.${type}.v1+json`;
  const bytes = Buffer.from(JSON.stringify(payload));
  const signed = encoding(payloadType, bytes);
  const signature = { keyid: keyid(rawPublic(key)), sig: sign(null, signed, key).toString("base64") };
  const raw = JSON.stringify({ payloadType, payload: bytes.toString("base64"), signatures: [signature] });
  return { raw, hash: sha256(signed) };
}

/** Take a line apart; nothing is believed yet. Throws Refused("line"). */
export function readLine(raw) {
  const refuse = (why) => {
    throw new Refused("line", why);
  };
  if (Buffer.byteLength(raw) > LINE_BYTES_MAX) refuse("too long");
  let read;
  try {
    read = readJson(Buffer.from(raw));
  } catch (fault) {
    refuse(fault.message);
  }
  const { value, faults } = read;
  if (faults.length > 0) refuse(faults[0].join(" "));
  if (!hasExactly(value, ["payloadType", "payload", "signatures"])) refuse("not the fields of an envelope");
  const family = typeof value.payloadType === "string" ? FAMILY.exec(value.payloadType) : null;
  if (family === null) refuse("not of this family and version");
  if (!isBase64(value.payload)) refuse("payload is not base64");
  if (!Array.isArray(value.signatures) || value.signatures.length < 1 || value.signatures.length > 4) refuse("1 to 4");
  for (const one of value.signatures) {
    if (!hasExactly(one, ["keyid", "sig"]) || !/^[0-9a-f]{64}$/.test(one.keyid) || !isBase64(one.sig)) refuse("sig");
  }
  const payload = Buffer.from(value.payload, "base64");
  const signed = encoding(value.payloadType, payload);
  return { type: family[1], payload, signatures: value.signatures, signed, hash: sha256(signed), raw };
}

/** One signature of a key that is known must fit. `keys` are raw public keys. Throws Refused("signature"). */
export function checkSignature(line, keys) {
  const known = new Map(keys.map((raw) => [keyid(raw), raw]));
  for (const { keyid: name, sig } of line.signatures) {
    const signature = Buffer.from(sig, "base64");
    const raw = known.get(name);
    if (raw !== undefined && signature.length === 64 && verify(null, line.signed, publicKey(raw), signature)) return;
  }
  throw new Refused("signature", "no signature of a known key of the right role fits");
}

/** The payload of a line whose signature was checked. In a command the body is judged apart. Throws Refused. */
export function readPayload(line) {
  let read;
  try {
    read = readJson(line.payload);
  } catch (fault) {
    throw new Refused("payload", fault.message);
  }
  const { value, faults } = read;
  const apart = { command: "body", batch: "records", money: "body" }[line.type];
  const own = faults.filter(([place]) => place[0] !== apart);
  if (own.length > 0) throw new Refused("payload", own[0].join(" "));
  const fault = misfit(value, line.type);
  if (fault !== null) throw new Refused("payload", fault);
  return { value, faultsApart: faults.length - own.length };
}

/** The lines of an answer. */
export function readBody(bytes, contentEncoding) {
  const plain = contentEncoding === "gzip" ? gunzipSync(bytes, { maxOutputLength: BODY_BYTES_MAX }) : bytes;
  const text = plain.toString("utf-8");
  const lines = (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
  return lines.map((line) => readLine(line.replace(/\r$/, "")));
}

export const writeBody = (raws) => gzipSync(Buffer.from(raws.map((raw) => `${raw}\n`).join("")));

function hasExactly(value, names) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return false;
  return Object.keys(value).sort().join() === [...names].sort().join();
}

const isBase64 = (text) => typeof text === "string" && BASE64.test(text);
