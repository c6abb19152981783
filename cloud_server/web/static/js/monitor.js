/* The monitor: filters as one types, counts, and the changes that the stream brings. */
"use strict";

(() => {
  const site = document.getElementById("site"), filters = document.getElementById("filters");
  const query = document.getElementById("q"), place = document.getElementById("place"), none = document.getElementById("none");
  const STALE_MS = Number(site.dataset.stale);
  const points = new Map();
  for (const element of site.querySelectorAll(".point")) points.set(element.id.slice(1), element);
  const groups = [...site.querySelectorAll(".group")];
  const chips = [...filters.querySelectorAll(".count")];
  let state = (chips.find((chip) => chip.getAttribute("aria-pressed") === "true") || chips[0]).value;
  const word = (name) => site.getAttribute(`data-word-${name}`);
  const shownState = (element) => element.dataset.lost ? "lost" : element.dataset.state;

  // --- filters ---
  const apply = () => {
    const text = query.value.trim().toLowerCase(), where = place.value;
    let any = false;
    for (const group of groups) {
      const whole = !where || group.dataset.box === where || group.dataset.building === where;
      let inside = 0, all = 0;
      for (const element of group.querySelectorAll(".point")) {
        all += 1;
        const fits = (!state || shownState(element) === state) && (whole || element.dataset.bus === where)
          && (!text || element.dataset.text.includes(text));
        if (element.hidden === fits) element.hidden = !fits;
        if (fits) inside += 1;
      }
      group.hidden = inside === 0 && (all > 0 || Boolean(state || text || !whole));
      any = any || inside > 0;
    }
    none.hidden = any || points.size === 0;
    for (const chip of chips) chip.setAttribute("aria-pressed", String(chip.value === state));
    const address = new URL(location.href);
    for (const [name, value] of [["state", state], ["q", query.value.trim()], ["place", where]]) {
      if (value) address.searchParams.set(name, value); else address.searchParams.delete(name);
    }
    if (address.href !== location.href) history.replaceState(null, "", address);
  };
  const count = () => {
    const counts = {};
    for (const element of points.values()) { const key = shownState(element); counts[key] = (counts[key] || 0) + 1; }
    for (const chip of chips) {
      const n = chip.value ? counts[chip.value] || 0 : points.size;
      chip.querySelector("b").textContent = n;
      chip.classList.toggle("zero", n === 0);
    }
  };
  for (const chip of chips) chip.addEventListener("click", (event) => { event.preventDefault(); state = state === chip.value ? "" : chip.value; apply(); });
  query.addEventListener("input", apply);
  place.addEventListener("change", apply);
  filters.addEventListener("submit", (event) => {
    if (event.submitter && event.submitter.name === "view") {
      // The filter goes along to the other view.
      const hidden = document.createElement("input");
      hidden.type = "hidden"; hidden.name = "state"; hidden.value = state;
      filters.append(hidden);
      return;
    }
    event.preventDefault();
    const seen = [...points.values()].filter((element) => !element.hidden);
    if (seen.length === 1) seen[0].querySelector("a").click();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && (query.value || state)) { query.value = ""; state = ""; apply(); }
    if (event.key === "/" && document.activeElement !== query) { event.preventDefault(); query.focus(); }
  });

  // --- changes ---
  const icon = (name, kind) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", kind); svg.setAttribute("aria-hidden", "true");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", `#${name}`);
    svg.append(use);
    return svg;
  };
  const setText = (element, text) => { if (element && element.textContent !== text) element.textContent = text; };
  const isTiles = site.classList.contains("in-tiles");
  const drawAge = (cell, at) => {
    if (!cell) return;
    let time = cell.querySelector("time");
    if (at === null) { cell.replaceChildren(); return; }
    if (!time) { time = document.createElement("time"); time.className = "age"; cell.replaceChildren(time); }
    time.dataset.at = at;
    time.dateTime = new Date(at).toISOString();
  };
  const drawPoint = ([id, pointState, lostWith, badges, fen, balanceAt, relay, watts, estimated, seenAt]) => {
    const element = points.get(id);
    if (!element) return;
    const turned = element.dataset.state !== pointState || element.dataset.lost !== lostWith || element.dataset.relay !== relay;
    element.dataset.seen = seenAt === null ? "" : seenAt;
    if (element.dataset.use !== "main" && element.dataset.use !== "public") setText(element.querySelector(".balance"), isTiles ? tallybox.money(fen) : tallybox.money(fen).replace("\u00a5", ""));
    setText(element.querySelector(".power"), (estimated && watts !== null ? "\u2248" : "") + tallybox.power(watts));
    drawAge(element.querySelector(".balance-age"), balanceAt);
    drawAge(element.querySelector(".seen"), seenAt);
    const badgeKey = badges.join(" "), cell = element.querySelector(".badges");
    if ((cell.dataset.badges ?? [...cell.querySelectorAll("use")].map((use) => use.getAttribute("href").slice(1)).join(" ")) !== badgeKey) {
      cell.dataset.badges = badgeKey;
      cell.replaceChildren(...badges.map((name) => {
        const badge = document.createElement("span"), text = document.createElement("span");
        badge.className = "badge"; badge.title = text.textContent = word(name);
        badge.append(icon(name, "icon"), text);
        return badge;
      }));
    }
    if (!turned) return;
    element.dataset.state = pointState; element.dataset.lost = lostWith; element.dataset.relay = relay;
    const mark = element.querySelector(".mark");
    if (mark.dataset.state) mark.dataset.state = pointState;
    mark.querySelector("use").setAttribute("href", `#${pointState}`);
    setText(element.querySelector(".word"), word(pointState));
    setText(element.querySelector(".lost-word"), lostWith ? word(lostWith) : "");
    const relayMark = element.querySelector(".relay-mark");
    relayMark.querySelector("use").setAttribute("href", `#relay-${relay}`);
    setText(relayMark.querySelector("span"), word(`relay-${relay}`));
    const face = isTiles ? element.querySelector("a") : element;
    face.classList.remove("moved");
    void face.offsetWidth;
    face.classList.add("moved");
  };
  const drawBox = ([id, lostSince, seenAt, waiting, buses]) => {
    const group = groups.find((one) => one.dataset.box === id);
    if (!group) return;
    const lost = group.querySelector(".box-lost");
    lost.hidden = lostSince === null;
    group.toggleAttribute("data-lost", lostSince !== null);
    if (lostSince !== null) setText(lost.querySelector("span"), site.dataset.lostBox.replace("{time}", tallybox.clock(lostSince)));
    drawAge(group.querySelector(".heard"), null === seenAt ? null : seenAt);
    setText(group.querySelector(".box-waiting"), waiting ? site.dataset.waiting.replace("{count}", waiting) : "");
    for (const [bus, since] of buses) {
      const sign = group.querySelector(`.bus-lost[data-bus="${bus}"]`);
      if (!sign) continue;
      sign.hidden = since === null;
      if (since !== null) setText(sign.querySelector("span"), site.dataset.lostBus.replace("{name}", sign.dataset.name).replace("{time}", tallybox.clock(since)));
    }
  };
  const fade = () => {
    for (const element of points.values()) {
      const seen = Number(element.dataset.seen);
      element.classList.toggle("faded", !seen || tallybox.now() - seen > STALE_MS);
    }
  };
  setInterval(fade, 5000);
  fade();
  count();
  apply();
  openStream(site.dataset.stream, {
    monitor: (data) => {
      for (const row of data.points) drawPoint(row);
      for (const box of data.boxes) drawBox(box);
      count(); apply(); fade(); tallybox.drawAges();
    },
    anew: () => location.reload(),
  }, site.dataset.after);
})();
