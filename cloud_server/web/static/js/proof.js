/* The check of the signed lines, which comes behind the page: what becomes of it where it does not come. */
"use strict";

(() => {
  const failed = () => { for (const part of document.querySelectorAll("#lines > p")) part.hidden = part.getAttribute("role") === "status"; };
  for (const kind of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) document.body.addEventListener(kind, failed);
})();
