// What the box knows and how it changes: registers, wallets, commands. No network, no clock, no files.
//
// `state` is plain data that is stored as one; every function changes it and appends to `state.pending`, the records
// that the next batch seals.

import { makeBook, priceInterval } from "./charging.mjs";
import { knows, misfit } from "./fields.mjs";
import { sha256 } from "./line.mjs";

const CARRIED_OUT = ["configure", "grant", "reclaim", "withdraw"];
const MONEY = ["grant", "reclaim", "withdraw", "close_wallet"];
const FEN_MICRO = 10_000; // a hundredth of the currency unit
export const NO_HASH = "0".repeat(64);

/** Take an epoch: its state is all that there is to know. */
export function openEpoch(state, epoch, hash) {
  state.epoch = epoch.epoch;
  state.batchHead = { seq: 0, hash };
  state.commandHead = epoch.commands_base;
  state.configVersion = epoch.config_version;
  state.config = epoch.config;
  state.wallets = Object.fromEntries(epoch.state.wallets.map((wallet) => [wallet.wallet, wallet.book_micro]));
  state.meters = Object.fromEntries(epoch.state.meters.map((meter) => [meter.meter, meter]));
  state.moneyIds = [];
  state.withdrawn = [];
  state.refusedGrants = [];
  state.sealed = [];
  state.pending = [];
}

const placed = (state) => JSON.parse(state.config);

/** A register was read: the first reading of a meter opens it. */
export function readRegister(state, meter, rawWh, atMs) {
  const known = state.meters[meter];
  if (known === undefined) throw new Error(`meter ${meter} is not configured`);
  if (known.raw_wh === undefined || known.raw_wh === null) {
    known.raw_wh = rawWh;
    known.read_at_ms = atMs;
  }
  known.newest = { raw_wh: rawWh, at_ms: atMs };
}

/** End the running interval of a meter at its newest reading, and charge it. */
export function cutInterval(state, meter) {
  const known = state.meters[meter];
  if (known.newest === undefined || known.newest.at_ms <= known.read_at_ms) return;
  const config = placed(state);
  const here = config.meters.find((one) => one.meter === meter);
  const wallet = config.wallets.find((one) => one.meters.includes(meter))?.wallet ?? null;
  const versions = config.tariffs.filter((one) => one.tariff === here.tariff);
  const book = makeBook(config.site.zone, versions.map((one) => [one.version, one.text]));
  const ratio = here.ratios.filter((one) => one.from_ms <= known.read_at_ms).at(-1) ?? here.ratios[0];
  const given = {
    tariff: here.tariff,
    from: { raw_wh: known.raw_wh, at_ms: known.read_at_ms },
    to: known.newest,
    ratio: [ratio.ct[0] * ratio.pt[0], ratio.ct[1] * ratio.pt[1]],
    energy_carry: known.energy_carry,
    money_carry_nano: known.money_carry_nano,
    month_wh: known.month_wh,
    charged: wallet !== null,
    clock_sure: true,
  };
  const { month_wh: monthWh, ...priced } = priceInterval(book, given);
  state.pending.push({
    kind: "interval", at_ms: given.to.at_ms, meter, wallet, from: given.from, to: given.to, source: "total",
    ratio_version: ratio.version, ...priced,
  });
  if (wallet !== null) state.wallets[wallet] -= priced.charge_micro;
  known.raw_wh = given.to.raw_wh;
  known.read_at_ms = given.to.at_ms;
  known.energy_carry = priced.energy_carry;
  known.money_carry_nano = priced.money_carry_nano;
  known.month_wh = monthWh;
}

/** Judge and carry out commands in the order of their chain; gives the kinds that were taken. */
export function takeCommands(state, commands, atMs) {
  const taken = [];
  for (const { value } of commands) if (value.kind === "withdraw") state.withdrawn.push(value.body?.reclaim);
  for (const command of [...commands].sort((a, b) => a.value.seq - b.value.seq)) {
    const { value, hash } = command;
    if (value.seq !== state.commandHead.seq + 1) continue; // known, or one between is missing
    if (value.prev !== state.commandHead.hash) {
      state.pending.push({ kind: "evidence", at_ms: atMs, evidence: "equivocation", lines: [hash], detail: "prev" });
      break;
    }
    const reason = refusal(state, command, atMs) ?? carryOut(state, value, atMs);
    const result = { kind: "command_result", at_ms: atMs, command: value.seq };
    state.pending.push(reason === null ? { ...result, outcome: "done" } : { ...result, outcome: "refused", reason });
    state.term = Math.max(state.term, value.term);
    if (reason !== null && value.kind === "grant") state.refusedGrants.push(value.body?.grant);
    state.commandHead = { seq: value.seq, hash };
    taken.push(reason === null ? value.kind : `${value.kind} refused: ${reason}`);
  }
  return taken;
}

/** Why a command is not even tried: steps 6 to 8 of "Chains and epochs". */
function refusal(state, { value, faultsApart }, atMs) {
  if (value.term < state.term) return "lower_term";
  if (!CARRIED_OUT.includes(value.kind) || !knows(value.kind)) return "not_supported";
  if (faultsApart > 0 || misfit(value.body, value.kind) !== null) return "bad_body";
  const late = value.expires_at_ms !== undefined && value.expires_at_ms !== null && atMs > value.expires_at_ms;
  return late && !MONEY.includes(value.kind) ? "expired" : null;
}

function carryOut(state, { kind, seq, body }, atMs) {
  switch (kind) {
    case "configure":
      return configure(state, body, atMs);
    case "grant":
      return grant(state, seq, body, atMs);
    case "reclaim":
      return reclaim(state, seq, body, atMs);
    default: // withdraw: it has taken effect on the reclaim already, or came too late
      return state.moneyIds.includes(body.reclaim) ? "money_id_known" : null;
  }
}

function configure(state, body, atMs) {
  if (sha256(Buffer.from(body.config)) !== body.hash) return "config_invalid";
  const config = JSON.parse(body.config);
  const [wallets, meters] = [config.wallets.map((one) => one.wallet), config.meters.map((one) => one.meter)];
  if (Object.keys(state.wallets).some((id) => !wallets.includes(id))) return "wallet_not_closed";
  if (Object.keys(state.meters).some((id) => !meters.includes(id))) return "meter_not_released";
  for (const meter of Object.keys(state.meters)) cutInterval(state, meter);
  for (const wallet of wallets) state.wallets[wallet] ??= 0;
  for (const meter of meters) {
    state.meters[meter] ??= { meter, energy_carry: [0, 1], money_carry_nano: 0, month_wh: 0 };
  }
  state.config = body.config;
  state.configVersion = body.config_version;
  state.pending.push({ kind: "config_applied", at_ms: atMs, config_version: body.config_version, hash: body.hash });
  return null;
}

/** The wallet's meters end their intervals first, so that its book balance is all that the registers say. */
function settle(state, wallet) {
  const { meters } = placed(state).wallets.find((one) => one.wallet === wallet);
  meters.forEach((meter) => cutInterval(state, meter));
}

function grant(state, seq, body, atMs) {
  if (!(body.wallet in state.wallets)) return "unknown_wallet";
  if (state.moneyIds.includes(body.grant)) return "money_id_known";
  const account = placed(state).wallets.find((one) => one.wallet === body.wallet)?.account_state;
  if (account === "closed" && body.amount_micro > 0) return "wallet_closed";
  if (body.cause === "undo" && state.refusedGrants.includes(body.undoes)) return "undone_grant_refused";
  if (state.limits !== null && Math.abs(body.amount_micro) > state.limits.greatest_grant_micro) return "over_limit";
  settle(state, body.wallet);
  state.wallets[body.wallet] += body.amount_micro;
  state.moneyIds.push(body.grant);
  state.pending.push({
    kind: "granted", at_ms: atMs, command: seq, grant: body.grant, wallet: body.wallet,
    amount_micro: body.amount_micro, book_micro: state.wallets[body.wallet],
  });
  return null;
}

function reclaim(state, seq, body, atMs) {
  if (!(body.wallet in state.wallets)) return "unknown_wallet";
  if (state.moneyIds.includes(body.reclaim)) return "money_id_known";
  if (state.withdrawn.includes(body.reclaim)) return "withdrawn";
  settle(state, body.wallet);
  const most = Math.min(body.amount_micro, state.wallets[body.wallet] - body.floor_micro);
  const amount = Math.floor(most / FEN_MICRO) * FEN_MICRO;
  if (amount <= 0) return "nothing_to_give";
  state.wallets[body.wallet] -= amount;
  state.moneyIds.push(body.reclaim);
  state.pending.push({
    kind: "reclaimed", at_ms: atMs, command: seq, reclaim: body.reclaim, wallet: body.wallet,
    amount_micro: amount, book_micro: state.wallets[body.wallet],
  });
  return null;
}

/** The payload of the next batch: all that is pending, and where everything stands after it. */
export function nextBatch(state, now) {
  const config = placed(state);
  const used = new Set(state.pending.flatMap((one) => (one.parts ?? []).map((part) => part.tariff)));
  const hashes = {};
  for (const { tariff, version, hash } of config.tariffs) {
    if (used.has(tariff)) (hashes[tariff] ??= {})[version] = hash;
  }
  const batch = {
    site: state.site, box: state.box, epoch: state.epoch, seq: state.batchHead.seq + 1, prev: state.batchHead.hash,
    boot_id: now.bootId, mono_ms: now.monoMs, sealed_at_ms: now.wallMs, clock: { sure: true, source: "server" },
    agent: now.agent, rules: 1, commands_applied: state.commandHead, key_generation: state.keys.key_generation,
    term_seen: state.term, tariff_hashes: hashes, records: state.pending, wallets: state.wallets,
  };
  if (state.auditHead !== null) batch.audit_head_seen = state.auditHead;
  return batch;
}
