// Prices: tariff texts, the stretches of an interval, and what they cost. "Tariff text" and "Charging" of the page.

import { dayOf, dayPlus, instantOf } from "./zone.mjs";
import { readToml } from "./toml.mjs";

const STRETCHES_MAX = 5_000;
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const WH_PER_KWH = 1_000n;

/** All versions of one tariff: [[version, text]]. */
export function makeBook(zone, versions) {
  const read = versions.map(([version, text]) => {
    const tariff = readToml(text);
    return { version, startsAtMs: instantOf(zone, tariff.starts_at.local), ...tariff };
  });
  read.sort((a, b) => a.startsAtMs - b.startsAtMs || a.version - b.version);
  return { zone, versions: read };
}

const versionAt = (book, atMs) => book.versions.findLast((one) => one.startsAtMs <= atMs) ?? book.versions[0];

/** Which named day a date is. */
function dayName(calendar, day) {
  const weekday = WEEKDAYS[new Date(`${day}T00:00:00Z`).getUTCDay()];
  if (calendar.dates?.[day] !== undefined) return calendar.dates[day];
  const date = day.slice(5);
  const holds = ({ from, to }) => (from <= to ? from <= date && date <= to : date >= from || date <= to);
  const season = (calendar.seasons ?? []).find(holds);
  if (season !== undefined) return season.weekdays?.[weekday] ?? season.default;
  return calendar.weekdays?.[weekday] ?? calendar.default;
}

/** The switches of a day as instants, in order. */
function switchesOf(book, tariff, day) {
  return tariff.days[dayName(tariff.calendar, day)].switches.map((text) => {
    const [time, rate] = [text.slice(0, 5), text.slice(6)];
    return { atMs: instantOf(book.zone, `${day}T${time}:00`), rate };
  });
}

/** The stretch that begins at an instant: until the next switch, version or midnight. */
function stretchAt(book, atMs) {
  const tariff = versionAt(book, atMs);
  const day = dayOf(book.zone, atMs);
  const switches = switchesOf(book, tariff, day);
  const later = book.versions.find((one) => one.startsAtMs > atMs)?.startsAtMs ?? Infinity;
  const midnight = instantOf(book.zone, `${dayPlus(day, 1)}T00:00:00`);
  const next = switches.find((one) => one.atMs > atMs)?.atMs ?? Infinity;
  const rate = switches.findLast((one) => one.atMs <= atMs).rate;
  return { day, tariff, rate, from: atMs, to: Math.min(later, midnight, next) };
}

function stretchesOf(book, given) {
  const { from, to } = given;
  const asOne = (flags) => {
    const tariff = versionAt(book, to.at_ms);
    const begin = Math.min(from.at_ms, to.at_ms);
    const one = { day: dayOf(book.zone, begin), tariff, rate: tariff.fallback_rate, from: begin, to: to.at_ms };
    return { stretches: [one], flags };
  };
  if (!given.clock_sure || to.at_ms < from.at_ms) return asOne(["clock_unsure", "fallback_rate"]);
  const first = stretchAt(book, from.at_ms);
  if (to.at_ms === from.at_ms) return { stretches: [{ ...first, to: to.at_ms }], flags: [] };
  const stretches = [];
  for (let next = first; ; next = stretchAt(book, next.to)) {
    if (stretches.length === STRETCHES_MAX) return asOne(["fallback_rate"]);
    stretches.push({ ...next, to: Math.min(next.to, to.at_ms) });
    if (next.to >= to.at_ms) break;
  }
  const flags = [];
  if (new Set(stretches.map((one) => `${one.rate} ${one.tariff.version}`)).size > 1) flags.push("estimated_split");
  if (new Set(stretches.map((one) => one.day)).size > 1) flags.push("midnight");
  return { stretches, flags };
}

/** Whole watt-hours over stretches by their length: largest remainder, ties to the earlier. */
function share(energy, stretches) {
  const lengths = stretches.map((one) => BigInt(one.to - one.from));
  const whole = lengths.reduce((sum, one) => sum + one, 0n);
  if (whole === 0n) return [energy];
  const shares = lengths.map((one) => (energy * one) / whole);
  const rests = lengths.map((one, n) => ({ n, rest: (energy * one) % whole }));
  rests.sort((a, b) => (a.rest === b.rest ? a.n - b.n : a.rest < b.rest ? 1 : -1));
  let left = energy - shares.reduce((sum, one) => sum + one, 0n);
  for (const { n } of rests) {
    if (left === 0n) break;
    shares[n] += 1n;
    left -= 1n;
  }
  return shares;
}

/** Cut one stretch where the month's energy reaches a step. */
function* stepped(stretch, energy, monthWh) {
  const steps = stretch.tariff.steps ?? [{ from_kwh: 0, add_micro: 0 }];
  const length = BigInt(stretch.to - stretch.from);
  let [used, begin] = [0n, stretch.from];
  for (const [n, step] of steps.entries()) {
    const border = n + 1 < steps.length ? BigInt(steps[n + 1].from_kwh) * WH_PER_KWH : null;
    if (border !== null && monthWh + used >= border && !(energy === used && used > 0n)) continue;
    const most = border === null ? energy : min(energy, border - monthWh);
    const end = most === energy ? stretch.to : stretch.from + Number((length * most) / energy);
    yield { ...stretch, from: begin, to: end, step: n, add: BigInt(step.add_micro), energy: most - used };
    [used, begin] = [most, end];
    if (used === energy) return;
  }
}

const min = (a, b) => (a < b ? a : b);
const gcd = (a, b) => (b === 0n ? a : gcd(b, a % b));

/** Energy, parts, charge and carries of an interval. `ratio` and `energy_carry` are [numerator, denominator]. */
export function priceInterval(book, given) {
  const [numerator, denominator] = given.ratio.map(BigInt);
  const [carried, per] = given.energy_carry.map(BigInt);
  const total = BigInt(given.to.raw_wh - given.from.raw_wh) * numerator * per + carried * denominator;
  const whole = denominator * per;
  const energy = total / whole;
  const rest = total % whole;
  const lowest = gcd(rest, whole);
  const { stretches, flags } = stretchesOf(book, given);
  const knowsMonth = !flags.includes("fallback_rate");
  const shares = share(energy, stretches);
  let month = BigInt(given.month_wh);
  let monthName = dayOf(book.zone, given.from.at_ms).slice(0, 7);
  let nano = BigInt(given.money_carry_nano);
  const parts = [];
  for (const [n, stretch] of stretches.entries()) {
    const name = stretch.day.slice(0, 7);
    if (knowsMonth && name !== monthName) [month, monthName] = [0n, name];
    for (const piece of stepped(stretch, shares[n], month)) {
      const price = BigInt(stretch.tariff.rates[stretch.rate].price_micro) + piece.add;
      const sum = given.charged ? nano + piece.energy * price : 0n;
      if (given.charged) nano = sum % 1000n;
      parts.push({
        from_ms: piece.from, to_ms: piece.to, rate: stretch.rate, step: piece.step, tariff: given.tariff,
        tariff_version: stretch.tariff.version, price_micro: Number(price), energy_wh: Number(piece.energy),
        charge_micro: Number(sum / 1000n),
      });
    }
    month += shares[n];
  }
  if (knowsMonth && dayOf(book.zone, given.to.at_ms).slice(0, 7) !== monthName) month = 0n;
  return {
    energy_wh: Number(energy),
    energy_carry: [Number(rest / lowest), Number(whole / lowest)],
    parts,
    charge_micro: parts.reduce((micro, part) => micro + part.charge_micro, 0),
    money_carry_nano: Number(nano),
    month_wh: Number(month),
    flags,
  };
}
