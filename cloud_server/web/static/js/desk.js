/* The desk's search by keyboard: arrows choose, Enter goes on, Esc begins again. Only what was found for the text that
   stands there now can be chosen: an arrow that comes sooner waits for it. */
"use strict";

(() => {
  const query = document.getElementById("q"), found = document.getElementById("found");
  const isNew = () => found.querySelector("[data-text]")?.dataset.text === query.value.trim();
  const links = () => isNew() ? [...found.querySelectorAll("a")] : [];
  let waits = false;
  query.select();
  query.addEventListener("input", () => { waits = false; });
  found.addEventListener("htmx:afterSwap", () => { if (waits && isNew()) { waits = false; links()[0]?.focus(); } });
  document.addEventListener("keydown", (event) => {
    const all = links(), at = all.indexOf(document.activeElement);
    if (event.key === "ArrowDown" && !isNew() && query.value) { event.preventDefault(); waits = true; }
    else if (event.key === "ArrowDown" && all.length) { event.preventDefault(); all[Math.min(at + 1, all.length - 1)].focus(); }
    else if (event.key === "ArrowUp" && at >= 0) { event.preventDefault(); if (at === 0) query.focus(); else all[at - 1].focus(); }
    else if (event.key === "Escape") { event.preventDefault(); query.value = ""; query.focus(); found.replaceChildren(); }
    else if (at >= 0 && event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) query.focus();
  });
  document.body.addEventListener("htmx:responseError", (event) => { if (event.detail.xhr.status === 401) location.assign("/sign-in?next=/desk"); });
})();
