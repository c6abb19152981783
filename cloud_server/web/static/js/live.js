/* One stream of a page: opens, reconnects, and says in plain words since when the page is not live. */
"use strict";

const openStream = (address, handlers, lastId) => {
  const SILENT_MS = 13000;   // The centre speaks at least every five seconds.
  const HIDDEN_MS = 30000;   // A page nobody looks at gives its connection back.
  const RETRY_MS = 2000;
  const sign = document.getElementById("live"), asOf = document.getElementById("as-of");
  let source = null, heardAt = Date.now(), heardAtCentre = Number(document.body.dataset.now), hiddenTimer = 0, over = false;
  let id = lastId || "";

  const show = (live) => {
    if (!sign) return;
    const state = live ? "on" : "off";
    if (sign.dataset.live === state) return;
    sign.dataset.live = state;
    document.body.classList.toggle("stale", !live);
    sign.textContent = live ? document.body.dataset.live : document.body.dataset.notLive.replace("{time}", tallybox.clock(heardAtCentre));
  };
  const heard = (event) => {
    heardAt = Date.now();
    if (event.lastEventId) id = event.lastEventId;
    const data = JSON.parse(event.data);
    if (data.now) {
      heardAtCentre = data.now;
      tallybox.setNow(data.now);
      if (asOf) asOf.textContent = tallybox.clock(data.now);
    }
    show(true);
    return data;
  };
  const close = () => { if (source) { source.close(); source = null; } };
  // A stream does not say why it was refused. A centre that was restored may not know this session: then to sign-in.
  const askWhoIAm = async () => {
    try {
      const answer = await fetch("/me", { headers: { "HX-Request": "true" }, redirect: "manual" });
      if (answer.status === 401) { over = true; location.reload(); return; }
    } catch { /* not there yet */ }
    open();
  };
  const open = () => {
    close();
    if (over) return;
    source = new EventSource(id ? `${address}?after=${encodeURIComponent(id)}` : address);
    const mine = source;
    for (const name of ["alive", ...Object.keys(handlers)]) {
      source.addEventListener(name, (event) => { const data = heard(event); if (handlers[name]) handlers[name](data); });
    }
    source.addEventListener("signed-out", () => { over = true; close(); location.reload(); });
    source.addEventListener("over", () => { over = true; close(); if (sign) { sign.textContent = ""; delete sign.dataset.live; } document.body.classList.remove("stale"); });
    // A browser gives up for good when the answer is an error (a restart, a proxy): then we try again ourselves.
    source.onerror = () => { if (mine.readyState === EventSource.CLOSED && mine === source) { close(); setTimeout(askWhoIAm, RETRY_MS); } };
  };
  setInterval(() => {
    if (over || document.hidden) return;
    if (Date.now() - heardAt > SILENT_MS) {
      show(false);
      if (Date.now() - heardAt > 2 * SILENT_MS) { heardAt = Date.now() - SILENT_MS - 1; open(); }
    }
  }, 1000);
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiddenTimer);
    if (document.hidden) hiddenTimer = setTimeout(close, HIDDEN_MS);
    else if (!source) open();
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });
  open();
};
