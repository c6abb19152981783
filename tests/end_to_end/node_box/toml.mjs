// As much of TOML 1.0 as tariffs and claim files use: tables, arrays of tables, texts, whole numbers, true and false,
// local date-times, arrays, inline tables. Anything else is a mistake, told with its place.

export function readToml(text) {
  const reader = new Reader(text);
  const root = {};
  let table = root;
  for (reader.blank(); reader.at < text.length; reader.blank()) {
    if (reader.take(/\[\[/y)) {
      const path = reader.path();
      reader.must(/\]\]/y);
      const last = path.pop();
      const holder = descend(root, path);
      table = {};
      (holder[last] ??= []).push(table);
    } else if (reader.take(/\[/y)) {
      table = descend(root, reader.path());
      reader.must(/\]/y);
    } else {
      reader.pair(table);
    }
    reader.must(/[ \t]*(?:#[^\n]*)?(?:\r?\n|$)/y);
  }
  return root;
}

function descend(root, path) {
  return path.reduce((table, name) => {
    const next = (table[name] ??= {});
    return Array.isArray(next) ? next.at(-1) : next;
  }, root);
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  take(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found !== null) this.at = pattern.lastIndex;
    return found;
  }

  must(pattern) {
    const found = this.take(pattern);
    if (found !== null) return found;
    const here = JSON.stringify(this.text.slice(this.at, this.at + 20));
    throw new Error(`TOML: ${pattern} is wanted at ${here}`);
  }

  blank() {
    this.take(/(?:[ \t\r\n]+|#[^\n]*)*/y);
  }

  path() {
    const names = [];
    do {
      this.take(/[ \t]*/y);
      names.push(this.take(/"((?:[^"\\]|\\.)*)"/y)?.[1] ?? this.must(/[A-Za-z0-9_-]+/y)[0]);
      this.take(/[ \t]*/y);
    } while (this.take(/\./y));
    return names;
  }

  pair(table) {
    const path = this.path();
    this.must(/=[ \t]*/y);
    const last = path.pop();
    const holder = descend(table, path);
    if (Object.hasOwn(holder, last)) throw new Error(`TOML: ${last} stands twice`);
    holder[last] = this.value();
  }

  value() {
    let found = this.take(/"""\r?\n?([\s\S]*?)"""/y);
    if (found) return found[1];
    if ((found = this.take(/"(?:[^"\\]|\\.)*"/y))) return JSON.parse(found[0]);
    if ((found = this.take(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d/y))) return { local: found[0].replace(" ", "T") };
    if ((found = this.take(/[+-]?\d[\d_]*/y))) return Number(found[0].replaceAll("_", ""));
    if ((found = this.take(/true|false/y))) return found[0] === "true";
    if (this.take(/\[/y)) return this.array();
    this.must(/\{/y);
    return this.inline();
  }

  array() {
    const items = [];
    for (this.blank(); !this.take(/\]/y); this.blank()) {
      items.push(this.value());
      this.blank();
      this.take(/,/y);
    }
    return items;
  }

  inline() {
    const table = {};
    for (this.blank(); !this.take(/\}/y); this.blank()) {
      this.pair(table);
      this.blank();
      this.take(/,/y);
    }
    return table;
  }
}
