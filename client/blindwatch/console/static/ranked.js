// Keeps the page of ranked search as the program has it.
"use strict";

// Only what differs is put in its place, so that what is being chosen or read elsewhere stays.
function put(old, part) {
  const html = part.outerHTML;
  if (source.get(old) === html) return;
  const focus = old.contains(document.activeElement) ? document.activeElement.textContent : null;
  old.replaceWith(part);
  source.set(part, html);
  const same = focus && [...part.querySelectorAll("button, select")].find(each => each.textContent === focus);
  if (same) same.focus({ preventScroll: true });
}

follow(() => refresh("places", put));
