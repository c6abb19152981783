// What a box reads, field by field: the tables of "Line types" and "Commands" in docs/wire-format.md.
//
// A table is "name:type" words; `?` behind a name marks a field that may be absent, `[x]` an array, `{x}` an object
// whose keys are free. Null says the same as absent where a field may be absent.

const DAY_3000 = 32_503_680_000_000;
const hex = (digits) => new RegExp(`^[0-9a-f]{${digits}}$`);
const named = (least, most) => (v) =>
  typeof v === "string" && [...v].length >= least && [...v].length <= most && !/[\u0000-\u001f\u007f-\u009f]/.test(v);
const whole = (least, most = Number.MAX_SAFE_INTEGER) => (v) => Number.isSafeInteger(v) && v >= least && v <= most;
const text = (most) => (v) => typeof v === "string" && [...v].length <= most && !v.includes("\0");
const oneOf = (words) => (v) => words.split(" ").includes(v);

const PLAIN = {
  id: (v) => typeof v === "string" && v.length === 32 && hex(32).test(v),
  hash: (v) => typeof v === "string" && v.length === 64 && hex(64).test(v),
  key: (v) => typeof v === "string" && v.length === 44 && Buffer.from(v, "base64").toString("base64") === v,
  int: whole(-Number.MAX_SAFE_INTEGER),
  count: whole(0),
  seq: whole(1),
  nano: whole(0, 999),
  instant: whole(0, DAY_3000),
  bool: (v) => typeof v === "boolean",
  name: named(1, 100),
  idempotency: named(1, 200),
  text: text(500),
  kindtext: named(1, 40),
  config: text(2_097_152),
  day: (v) => typeof v === "string" && /^\d{4}-\d\d-\d\d$/.test(v),
  raw: () => true,
  wait: whole(0, 25),
  carry: (v) => Array.isArray(v) && v.length === 2 && v.every(whole(0)) && v[1] >= 1 && v[0] < v[1],
  why: oneOf("enrolled replaced restored forked store_lost retired"),
  mode: oneOf("prepaid protected forced_off"),
  service: oneOf("observe in_service"),
  cause: oneOf("sale move adjustment opening undo"),
  purpose: oneOf("refund move close adjustment"),
  contact: oneOf("closed open unknown"),
  level: (v) => v === 0 || v === 1 || v === 2,
  verdict: oneOf(
    "accepted known parked behind_parked gap ahead forked superseded_epoch wrong_box too_large bad_signature " +
      "unknown_box revoked",
  ),
};

const TABLES = {
  head: "seq:count hash:hash",
  batchhead: "epoch:count seq:count hash:hash",
  keys: "site:id key_generation:seq command_keys:[key] answer_keys:[key] issued_at_ms:instant",
  limits:
    "site:id box?:id limits_generation:seq greatest_grant_micro:count greatest_price_micro:count " +
    "protected_always:[id]",
  epoch:
    "site:id box:id epoch:seq term:seq record_key:key closes?:batchhead commands_base:head config_version:seq " +
    "config:config state:state why:why issued_at_ms:instant",
  state: "wallets:[walletstate] meters:[meterstate] open_reclaims:[openreclaim]",
  walletstate:
    "wallet:id book_micro:int arrears_open:bool alarm_level:level alarm2_at_ms?:instant alarm2_used:bool " +
    "last_fee_day?:day",
  meterstate:
    "meter:id serial?:name raw_wh?:int rates_raw_wh?:{int} other_raw?:{int} read_at_ms?:instant energy_carry:carry " +
    "money_carry_nano:nano month_wh:count ratio_version:count tariff:id tariff_version:count mode:mode " +
    "mode_until_ms?:instant no_trip_before_ms?:instant service:service locked_out?:lockout overload_latched:bool " +
    "overload_restores:count tests:[raw] held:bool",
  lockout: "who:name at_ms:instant",
  openreclaim: "reclaim:id wallet:id amount_micro:count floor_micro:int command:seq",
  command:
    "site:id box:id seq:seq prev:hash term:seq issued_at_ms:instant expires_at_ms?:instant kind:kindtext body:raw",
  answer:
    "site:id box:id nonce:id server_time_ms:instant term:seq batch_ack:batchhead command_head:head audit_head:hash " +
    "verdicts:[verdicton] resend_from?:seq commands_wanted_from?:seq live_until_ms?:instant read_now?:[id] " +
    "retry_after_s?:count upgrade?:name",
  verdicton: "epoch:count seq:count verdict:verdict",
  sync:
    "site:id box:id epoch:count nonce:id sent_at_ms:instant batch_head:head command_head:head key_generation:count " +
    "term_seen:count limits_generation?:seq goes_on_from?:batchhead agent:name wait_s:wait live?:[live]",
  live:
    "meter:id at_ms:instant power_w?:int power_estimated:bool relay:contact balance_micro?:int values:{int}",
  // Bodies of the commands that this box carries out.
  configure: "config_version:seq config:config hash:hash",
  grant:
    "grant:id wallet:id amount_micro:int cause:cause sale?:id receipt?:name parts:[salepart] undoes?:id account:id " +
    "method?:name operator:name second?:name idempotency_key:idempotency paid_at_ms:instant",
  salepart: "wallet:id box:id amount_micro:int",
  reclaim: "reclaim:id wallet:id amount_micro:count floor_micro:int purpose:purpose request:id typed?:[raw]",
  withdraw: "reclaim:id",
  set_mode: "meter:id mode:mode until_ms?:instant no_trip_before_ms?:instant",
};

/** The first place in `value` that does not fit a table, or null. */
export function misfit(value, table, place = table) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return `${place}: an object is wanted`;
  const known = new Set();
  for (const word of TABLES[table].split(" ")) {
    const [, name, optional, type] = /^(\w+)(\??):(.+)$/.exec(word);
    known.add(name);
    const here = `${place}.${name}`;
    const said = Object.hasOwn(value, name) ? value[name] : undefined;
    if (said === undefined || said === null) {
      if (!optional) return `${here} is missing`;
      continue;
    }
    const fault = typeFault(said, type, here);
    if (fault !== null) return fault;
  }
  const strange = Object.keys(value).find((name) => !known.has(name));
  return strange === undefined ? null : `${place}.${strange} is not known`;
}

function typeFault(said, type, place) {
  if (type.startsWith("[")) {
    if (!Array.isArray(said)) return `${place}: an array is wanted`;
    return first(said.map((item, n) => typeFault(item, type.slice(1, -1), `${place}[${n}]`)));
  }
  if (type.startsWith("{")) {
    if (said === null || typeof said !== "object" || Array.isArray(said)) return `${place}: an object is wanted`;
    return first(Object.entries(said).map(([key, item]) => typeFault(item, type.slice(1, -1), `${place}.${key}`)));
  }
  if (type in TABLES && !(type in PLAIN)) return misfit(said, type, place);
  return PLAIN[type](said) ? null : `${place} is no ${type}`;
}

const first = (faults) => faults.find((fault) => fault !== null) ?? null;
export const knows = (table) => table in TABLES;
