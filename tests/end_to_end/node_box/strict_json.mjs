// JSON as the wire wants it: integers only, no key twice, at most so deep, nothing behind the value.
//
// JSON.parse keeps the last of two equal keys and takes 1.0 for 1, so that two programs could read two different
// things from the same signed bytes. What is JSON but not allowed is collected with its place, because a frame may hold
// it in `body` and `records`, where it is judged apart.

export const DEPTH_MAX = 16;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const TEXT = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SPACE = /[ \t\n\r]*/y;

export class NotJson extends Error {}

/** Read bytes. Gives {value, faults: [[place, why]]}; throws NotJson where they are no JSON or too deep. */
export function readJson(bytes) {
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new NotJson("not UTF-8");
  }
  const reader = new Reader(text);
  const value = reader.value([]);
  reader.space();
  if (reader.at !== text.length) throw new NotJson("text behind the value");
  return { value, faults: reader.faults };
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.faults = [];
  }

  space() {
    SPACE.lastIndex = this.at;
    SPACE.exec(this.text);
    this.at = SPACE.lastIndex;
  }

  take(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found === null) throw new NotJson(`unexpected text at ${this.at}`);
    this.at = pattern.lastIndex;
    return found;
  }

  expect(character) {
    this.space();
    if (this.text[this.at] !== character) throw new NotJson(`${character} is missing at ${this.at}`);
    this.at += 1;
  }

  /** Whether one more item follows; the closing bracket is taken. */
  more(first, close) {
    this.space();
    if (this.text[this.at] === close) {
      this.at += 1;
      return false;
    }
    if (!first) this.expect(",");
    return true;
  }

  value(place) {
    this.space();
    const character = this.text[this.at];
    if (character === "{" || character === "[") {
      if (place.length >= DEPTH_MAX) throw new NotJson("too deep");
      this.at += 1;
      return character === "{" ? this.object(place) : this.array(place);
    }
    if (character === '"') return JSON.parse(this.take(TEXT)[0]);
    for (const [word, value] of [["true", true], ["false", false], ["null", null]]) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.number(place);
  }

  object(place) {
    const found = new Map();
    for (let first = true; this.more(first, "}"); first = false) {
      this.space();
      const key = JSON.parse(this.take(TEXT)[0]);
      if (found.has(key)) this.faults.push([[...place, key], "stands twice"]);
      this.expect(":");
      found.set(key, this.value([...place, key]));
    }
    return Object.fromEntries(found);
  }

  array(place) {
    const found = [];
    for (let first = true; this.more(first, "]"); first = false) {
      found.push(this.value([...place, found.length]));
    }
    return found;
  }

  number(place) {
    const [text, fraction, exponent] = this.take(NUMBER);
    const value = Number(text);
    if (fraction !== undefined || exponent !== undefined) this.faults.push([place, "integers only"]);
    else if (!Number.isSafeInteger(value)) this.faults.push([place, "too large"]);
    return value;
  }
}
