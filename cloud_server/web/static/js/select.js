/* Lists in which one ticks: all at once, a range with shift, and how many are ticked. */
"use strict";

(() => {
  const form = document.getElementById("chosen");
  if (!form) return;
  const ticks = () => [...form.querySelectorAll('td input[type="checkbox"]')];
  const all = form.querySelector(".all"), count = form.querySelector(".ticked"), words = form.querySelector(".ticked-words");
  const first = words ? words.textContent : "";
  let last = null;
  const draw = () => {
    const n = ticks().filter((tick) => tick.checked).length;
    if (count) count.textContent = n ? `(${n})` : "";
    if (words) words.textContent = n ? words.dataset.words.replace("{count}", n) : first;
    if (all) { all.checked = n > 0 && n === ticks().length; all.indeterminate = n > 0 && n < ticks().length; }
  };
  if (all) {
    all.hidden = false;
    all.addEventListener("change", () => { for (const tick of ticks()) tick.checked = all.checked; draw(); });
  }
  form.addEventListener("click", (event) => {
    if (!event.target.matches('td input[type="checkbox"]')) return;
    if (event.shiftKey && last) {
      const list = ticks(), a = list.indexOf(last), b = list.indexOf(event.target);
      for (let i = Math.min(a, b); i <= Math.max(a, b); i += 1) list[i].checked = event.target.checked;
    }
    last = event.target;
    draw();
  });
  addEventListener("pageshow", draw);
  draw();
})();
