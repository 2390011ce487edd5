// What was chosen on a page stands in its address after #, which no server sees: it is kept through the login.
"use strict";

for (const form of document.querySelectorAll("form[data-keeps-fragment]")) {
  if (location.hash) form.action += location.hash;
}
