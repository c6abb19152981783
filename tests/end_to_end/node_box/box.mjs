// A box in Node: node box.mjs CLAIM STATE_FOLDER
//
// Speaks the wire of docs/wire-format.md with Node's own crypto and nothing else. Its meters are made up: what their
// registers say is told on standard input, one JSON document a line, and each is answered with one line:
//   {"do": "enrol"}                           -> {"fingerprint"} until a person has said yes, then {"epoch"}
//   {"do": "read", "meter": id, "raw_wh": n}  -> {}
//   {"do": "cut"}                             -> {"batch"}: every interval ends at its newest reading, and is sealed
//   {"do": "sync", "wait_s": n}               -> {"verdicts", "taken", "acked", "batch", "wallets"}
// Stopped and started again it goes on where it was: everything is on the disk before it is sent.

import { createPrivateKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { cutInterval, NO_HASH, nextBatch, openEpoch, readRegister, takeCommands } from "./books.mjs";
import { certificateRequest, proof } from "./certificate_request.mjs";
import { checkSignature, keyid, rawPublic, readPayload, seal } from "./line.mjs";
import { readToml } from "./toml.mjs";
import { Uplink } from "./uplink.mjs";

const AGENT = "node-box 1";
const RECORDS_MAX = 2_000;
const [claimFile, folder] = process.argv.slice(2);
const claim = readToml(readFileSync(claimFile, "utf-8"));
const uplink = new Uplink(claim);
const kept = join(folder, "state.json");
const state = existsSync(kept) ? JSON.parse(readFileSync(kept, "utf-8")) : firstStart();
const recordKey = createPrivateKey(state.recordKey);
const now = () => ({
  wallMs: Date.now(),
  monoMs: Math.round(performance.now()),
  bootId,
  agent: AGENT,
});

/** A UUIDv7: 48 bits of time, the version, the variant, chance. */
function newId() {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  return bytes.toString("hex");
}

const bootId = newId();

function firstStart() {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const pem = { format: "pem", type: "pkcs8" };
  return {
    site: claim.site,
    box: claim.box,
    recordKey: generateKeyPairSync("ed25519").privateKey.export(pem),
    tlsKey: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export(pem),
    epoch: 0,
    term: 0,
    keys: null,
    limits: null,
    auditHead: null,
    certificate: null,
  };
}

/** Store everything as one: a new file, flushed, in the place of the old one; then its folder. */
function store() {
  const fresh = openSync(`${kept}.new`, "w", 0o600);
  writeSync(fresh, JSON.stringify(state));
  fsyncSync(fresh);
  closeSync(fresh);
  renameSync(`${kept}.new`, kept);
  const directory = openSync(folder, "r");
  fsyncSync(directory);
  closeSync(directory);
}

const raw = (key) => Buffer.from(key, "base64");
const root = raw(claim.root_key);

/** Keys and limits signed by the root; a line that was superseded says nothing. */
function takeRootLine(line) {
  checkSignature(line, [root]);
  const { value } = readPayload(line);
  if (value.site !== state.site || (value.box ?? state.box) !== state.box) return;
  if (line.type === "keys" && value.key_generation > (state.keys?.key_generation ?? 0)) state.keys = value;
  if (line.type === "limits" && value.limits_generation > (state.limits?.limits_generation ?? 0)) state.limits = value;
}

/** What the centre signed with its command key. */
function believe(line) {
  checkSignature(line, state.keys.command_keys.map(raw));
  const read = readPayload(line);
  if (read.value.site !== state.site || read.value.box !== state.box) throw new Error("for another box");
  return { ...read, hash: line.hash };
}

function takeEpoch(line) {
  const { value, hash } = believe(line);
  const own = rawPublic(recordKey).toString("base64");
  if (value.record_key !== own || value.epoch <= state.epoch || value.term < state.term) return;
  openEpoch(state, value, hash);
  state.term = value.term;
}

async function enrol() {
  const tls = createPrivateKey(state.tlsKey);
  const payload = {
    site: state.site,
    box: state.box,
    token: claim.token,
    record_key: rawPublic(recordKey).toString("base64"),
    csr: certificateRequest(tls, state.box),
    csr_proof: proof(tls, claim.token),
    hardware: { model: `node ${process.version}`, serial: bootId },
    agent: AGENT,
  };
  store(); // the keys outlive whatever happens to the answer
  const asked = seal("enrol", payload, recordKey).raw;
  const { status, headers, lines, problem } = await uplink.post("/v1/box/enrol", [asked]);
  if (status === 202) {
    const name = keyid(rawPublic(recordKey)).slice(0, 16);
    return { fingerprint: name.match(/.{4}/g).join(" "), said: problem.fingerprint };
  }
  if (status !== 200) throw new Error(`${status}: ${JSON.stringify(problem)}`);
  for (const line of lines) {
    if (line.type === "epoch") takeEpoch(line);
    else takeRootLine(line);
  }
  state.certificate = Buffer.from(headers["tallybox-certificate"], "base64").toString("ascii");
  store();
  return { epoch: state.epoch };
}

function sealPending() {
  if (state.pending.length === 0) return;
  if (state.pending.length > RECORDS_MAX) throw new Error("more records than one batch holds");
  const batch = nextBatch(state, now());
  const line = seal("batch", batch, recordKey);
  state.sealed.push({ seq: batch.seq, raw: line.raw });
  state.batchHead = { seq: batch.seq, hash: line.hash };
  state.pending = [];
}

function cut() {
  for (const meter of Object.keys(state.meters)) cutInterval(state, meter);
  sealPending();
  store();
  return { batch: state.batchHead.seq };
}

async function sync(waitS) {
  const nonce = newId();
  const payload = {
    site: state.site,
    box: state.box,
    epoch: state.epoch,
    nonce,
    sent_at_ms: Date.now(),
    batch_head: state.batchHead,
    command_head: state.commandHead ?? { seq: 0, hash: NO_HASH },
    key_generation: state.keys.key_generation,
    term_seen: state.term,
    agent: AGENT,
    wait_s: waitS,
  };
  if (state.limits !== null) payload.limits_generation = state.limits.limits_generation;
  const raws = [...state.sealed.map((one) => one.raw), seal("sync", payload, recordKey).raw];
  const { status, lines, problem } = await uplink.post("/v1/box/sync", raws);
  if (status !== 200) throw new Error(`${status}: ${JSON.stringify(problem)}`);
  return takeAnswer(lines, nonce);
}

/** Keys first, then the answer: what it does not vouch for is not taken. */
function takeAnswer(lines, nonce) {
  lines.filter((line) => line.type === "keys" || line.type === "limits").forEach(takeRootLine);
  const last = lines.at(-1);
  checkSignature(last, state.keys.answer_keys.map(raw));
  const { value: answer } = readPayload(last);
  const fits = answer.nonce === nonce && answer.site === state.site && answer.box === state.box;
  if (last.type !== "answer" || !fits || answer.term < state.term) throw new Error("no answer to this request");
  state.term = answer.term;
  state.auditHead = answer.audit_head;
  lines.filter((line) => line.type === "epoch").forEach(takeEpoch);
  const commands = lines.filter((line) => line.type === "command").map(believe);
  const taken = takeCommands(state, commands, Date.now());
  if (answer.batch_ack.epoch === state.epoch) {
    state.sealed = state.sealed.filter((one) => one.seq > answer.batch_ack.seq);
  }
  sealPending();
  store();
  return {
    verdicts: answer.verdicts.map((one) => one.verdict),
    taken,
    acked: answer.batch_ack.seq,
    batch: state.batchHead.seq,
    wallets: state.wallets,
  };
}

async function carryOut(order) {
  switch (order.do) {
    case "enrol":
      return enrol();
    case "read":
      readRegister(state, order.meter, order.raw_wh, Date.now());
      return {};
    case "cut":
      return cut();
    case "sync":
      return sync(order.wait_s ?? 0);
    default:
      throw new Error(`unknown order ${order.do}`);
  }
}

for await (const text of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = await carryOut(JSON.parse(text));
  } catch (fault) {
    answer = { fault: fault.message };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
uplink.agent.destroy();
