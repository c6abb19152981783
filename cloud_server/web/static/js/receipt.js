/* A counted print goes to the printer by itself. */
"use strict";
addEventListener("load", () => window.print());
