// Local time of a site: the day of an instant, and the instant of a local time.

const DAY_MS = 86_400_000;
const formats = new Map();

function offsetMs(zone, atMs) {
  if (!formats.has(zone)) {
    const names = ["year", "month", "day", "hour", "minute", "second"];
    const parts = Object.fromEntries(names.map((name) => [name, "numeric"]));
    formats.set(zone, new Intl.DateTimeFormat("en-u-ca-iso8601-hc-h23", { timeZone: zone, ...parts }));
  }
  const whole = Math.floor(atMs / 1000) * 1000;
  const parts = formats.get(zone).formatToParts(whole);
  const said = Object.fromEntries(parts.map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(said.year, said.month - 1, said.day, said.hour, said.minute, said.second) - whole;
}

/** The site's day of an instant, "2026-11-22". */
export const dayOf = (zone, atMs) => new Date(atMs + offsetMs(zone, atMs)).toISOString().slice(0, 10);

/** The day after (or so many before). */
export function dayPlus(day, days) {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** The instant of a local time "2026-11-22T08:00:00": twice there, the first; leapt over, the instant of the leap. */
export function instantOf(zone, local) {
  const asUtc = Date.parse(`${local}Z`);
  const found = [offsetMs(zone, asUtc - DAY_MS), offsetMs(zone, asUtc + DAY_MS)].map((offset) => asUtc - offset);
  const fitting = found.filter((atMs) => atMs + offsetMs(zone, atMs) === asUtc);
  if (fitting.length > 0) return Math.min(...fitting);
  let [before, after] = [Math.min(...found), Math.max(...found)];
  const was = offsetMs(zone, before);
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetMs(zone, middle) === was) before = middle;
    else after = middle;
  }
  return after;
}
