/* A piece of a page that the centre draws anew: taken over whole, with the reader's place in it kept. */
"use strict";

(() => {
  const piece = document.getElementById("piece");
  if (!piece || !piece.dataset.stream || piece.querySelector('[data-sale-state="on"], [data-sale-state="refused"]')) return;
  openStream(piece.dataset.stream, {
    piece: (data) => {
      const focused = document.activeElement && piece.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      const scrolled = [...piece.querySelectorAll(".scroll")].map((element) => element.scrollTop);
      const unfolded = [...piece.querySelectorAll("details")].map((element) => element.open);
      piece.innerHTML = data.html;
      [...piece.querySelectorAll("details")].forEach((element, index) => { element.open = unfolded[index] || false; });
      [...piece.querySelectorAll(".scroll")].forEach((element, index) => { element.scrollTop = scrolled[index] || 0; });
      if (focused) { const again = [...piece.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused); if (again) again.focus(); }
      tallybox.drawAges();
    },
  });
})();
