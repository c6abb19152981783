/* What every page does: ages go on, menus close, forms are sent once. Nothing here is needed for a sale or a sign-in. */
"use strict";

const tallybox = (() => {
  const body = document.body;
  // The centre's clock, not this machine's: ages are wrong by nobody's watch.
  let skewMs = Number(body.dataset.now) - Date.now();
  const now = () => Date.now() + skewMs;
  const setNow = (centreMs) => { skewMs = centreMs - Date.now(); };

  const clockFormat = new Intl.DateTimeFormat("en-GB", {
    timeZone: body.dataset.zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
  });
  const clock = (ms) => clockFormat.format(new Date(ms));

  const age = (ms) => {
    const s = Math.max(0, Math.floor((now() - ms) / 1000));
    const [word, n] = s >= 172800 ? ["ageD", Math.floor(s / 86400)] : s >= 3600 ? ["ageH", Math.floor(s / 3600)]
      : s >= 60 ? ["ageMin", Math.floor(s / 60)] : ["ageS", s];
    return body.dataset[word].replace("{n}", n);
  };
  const FRESH_MS = 60000;
  const drawAges = () => {
    for (const element of document.querySelectorAll(".age[data-at]")) {
      const at = Number(element.dataset.at), text = age(at);
      if (element.textContent !== text) element.textContent = text;
      element.classList.toggle("old", now() - at > FRESH_MS);
    }
  };
  setInterval(drawAges, 1000);

  for (const button of document.querySelectorAll("button.print")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
  });
  // A second Enter while the first is on its way is swallowed here, and harmless at the centre in any case.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || form.target) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => { for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent; });

  const MINUS = "\u2212";
  const money = (fen) => {
    if (fen === null) return "\u2013";
    const whole = Math.floor(Math.abs(fen) / 100).toString().replace(/\B(?=(\d{3})+$)/g, ",");
    return `${fen < 0 ? MINUS : ""}\u00a5${whole}.${String(Math.abs(fen) % 100).padStart(2, "0")}`;
  };
  const power = (watts) => watts === null ? "\u2013" : `${watts < 0 ? MINUS : ""}${(Math.abs(watts) / 1000).toFixed(Math.abs(watts) < 10000 ? 2 : 1)}`;
  return { now, setNow, clock, age, drawAges, money, power };
})();
