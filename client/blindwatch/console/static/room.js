// What the pages of checks and of ranked search share: what the program has takes the place of what is shown, and time counts down.
// Without it the page is loaded again by hand.
"use strict";

const LOST = 6000; // milliseconds without a word from the program
let heard = performance.now();
const source = new WeakMap(); // what the server sent for each part of the page

function $(id) { return document.getElementById(id); }

function tick() {
  for (const each of document.querySelectorAll("[data-left]")) {
    const left = Math.max(0, Math.round((Date.parse(each.dataset.left) - Date.now()) / 1000));
    each.textContent = ` in ${left} s`;
  }
  $("lost").hidden = performance.now() - heard < LOST;
}

// Parts are put in by `put`; a page without the element `mark` is another one.
async function refresh(mark, put) {
  try {
    const answer = await fetch("/", { headers: { Accept: "text/html" } });
    heard = performance.now();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!page.getElementById(mark)) { location.reload(); return; }
    document.title = page.title;
    for (const part of page.querySelectorAll("[data-part]")) if ($(part.id)) put($(part.id), part);
  } catch { /* said by tick */ }
  tick();
}

function follow(changed) {
  for (const part of document.querySelectorAll("[data-part]")) source.set(part, part.outerHTML);
  new EventSource("/events").addEventListener("changed", () => { heard = performance.now(); changed(); });
  setInterval(tick, 1000);
  tick();
}
