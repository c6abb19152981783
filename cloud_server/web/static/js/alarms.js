/* What every page is told of new alarms: a number beside the word, a pop-up, and a spoken clip where sound was turned on.
   One browser speaks once, however many of its pages are open. */
"use strict";

(() => {
  const EVERY_MS = 5000, SPOKEN_MOST = 3;
  const link = document.querySelector("[data-alarms]");
  if (!link) return;
  const sign = link.querySelector(".how-many"), pops = document.getElementById("pops"), button = document.querySelector("button.sound");
  const clips = JSON.parse(link.dataset.clips);
  const known = () => { const text = localStorage.getItem("alarms-known"); return text === null ? null : new Set(JSON.parse(text)); };
  let blocked = false, player = null;
  const wanted = () => localStorage.getItem("alarms-sound") === "on";

  const drawButton = () => {
    if (!button) return;
    button.hidden = false;
    button.setAttribute("aria-pressed", String(wanted()));
    button.textContent = !wanted() ? button.dataset.off : blocked ? button.dataset.blocked : button.dataset.on;
  };
  const play = (names) => {
    if (!names.length) return;
    player = player || new Audio();
    player.src = clips[names[0]] || clips.other;
    player.onended = () => play(names.slice(1));
    player.play().then(() => { blocked = false; drawButton(); }, () => { blocked = true; drawButton(); });
  };
  if (button) button.addEventListener("click", () => {
    const on = !wanted() || blocked;
    localStorage.setItem("alarms-sound", on ? "on" : "off");
    blocked = false;
    if (on) play(["other"]);
    drawButton();
  });

  const pop = (alarm) => {
    const box = document.createElement("div"), head = document.createElement("b"), text = document.createElement("a"), close = document.createElement("button");
    head.textContent = alarm.words;
    text.href = "/alarms"; text.textContent = `${alarm.where} ${alarm.at}`;
    close.type = "button"; close.className = "quiet"; close.textContent = "\u00d7"; close.setAttribute("aria-label", pops.dataset.close);
    close.addEventListener("click", () => box.remove());
    box.className = "pop";
    box.append(head, text, close);
    pops.prepend(box);
    while (pops.children.length > 4) pops.lastChild.remove();
  };
  const look = async () => {
    if (document.hidden) return;
    let answer;
    try { answer = await fetch("/live/alarms", { headers: { Accept: "application/json" } }); } catch { return; }
    if (!answer.ok) return;
    const news = await answer.json();
    sign.textContent = news.standing || "";
    sign.classList.toggle("unseen-ones", news.unseen.length > 0);
    const before = known(), ids = news.unseen.map((alarm) => alarm.id);
    const fresh = before === null ? [] : news.unseen.filter((alarm) => !before.has(alarm.id));
    localStorage.setItem("alarms-known", JSON.stringify(ids));
    for (const alarm of fresh.slice(0, 4).reverse()) pop(alarm);
    if (fresh.length && wanted()) play([...new Set(fresh.map((alarm) => alarm.clip))].slice(0, SPOKEN_MOST));
  };
  drawButton();
  look();
  setInterval(look, EVERY_MS);
  document.addEventListener("visibilitychange", look);
})();
