/* The sale's pages by keyboard: methods on F1 to F6, change as one types, Esc back, P prints, Enter twice sells. */
"use strict";

(() => {
  const page = document.querySelector("[data-back]");
  const amount = document.getElementById("amount"), given = document.getElementById("cash_given"), change = document.getElementById("change");
  const methods = [...document.querySelectorAll(".methods input")];

  const fen = (text) => /^\d{1,10}(\.\d{1,2})?$/.test(text.trim()) ? Math.round(Number(text.trim()) * 100) : null;
  const drawChange = () => {
    const cash = methods.some((method) => method.checked && method.value === "cash");
    given.closest(".cash").hidden = !cash;
    const due = fen(amount.value), paid = fen(given.value);
    change.textContent = cash && due !== null && paid !== null && paid >= due ? `${change.dataset.word} ${tallybox.money(paid - due).replace("\u00a5", change.dataset.sign)}` : "";
  };
  if (amount && given) {
    for (const element of [amount, given, ...methods]) element.addEventListener("input", drawChange);
    document.querySelector(".quick").hidden = false;
    document.querySelector(".keys-only").hidden = false;
    for (const button of document.querySelectorAll(".quick button")) button.addEventListener("click", () => { amount.value = button.dataset.amount; amount.focus(); drawChange(); });
    amount.select();
    drawChange();
  }
  // Back from the result is to be an empty form, not the browser's question whether to send the old one again.
  if (document.getElementById("sell")) history.replaceState(history.state, "", location.href);
  document.addEventListener("keydown", (event) => {
    const key = /^F([1-6])$/.exec(event.key);
    if (key && methods[Number(key[1]) - 1]) { event.preventDefault(); methods[Number(key[1]) - 1].checked = true; if (given) drawChange(); return; }
    if (event.key === "Escape") {
      event.preventDefault();
      if (page.dataset.back === "edit") document.getElementById("edit").click(); else location.assign(page.dataset.back);
    }
    const go = event.key === "F8" ? document.getElementById("refund-link") : event.key.toLowerCase() === "r" && !event.ctrlKey && !event.metaKey ? document.getElementById("reverse") : null;
    if (go) { event.preventDefault(); go.click(); return; }
    const print = document.getElementById("print-80");
    if (print && event.key.toLowerCase() === "p" && !event.ctrlKey && !event.metaKey) print.click();
  });
})();
