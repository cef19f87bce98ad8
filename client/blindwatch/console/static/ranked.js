// Keeps the page of ranked search as the server has it, and counts down. Without it the page is loaded again by hand.
"use strict";

const LOST = 6000; // milliseconds without a word from the console
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

// Only what differs is put in its place, so that what is being chosen or read elsewhere stays.
function put(old, part) {
  const html = part.outerHTML;
  if (source.get(old) === html) return;
  const focus = old.contains(document.activeElement) ? document.activeElement.textContent : null;
  old.replaceWith(part);
  source.set(part, html);
  const same = focus && [...part.querySelectorAll("button, select")].find(each => each.textContent === focus);
  if (same) same.focus();
}

async function refresh() {
  try {
    const answer = await fetch("/", { headers: { Accept: "text/html" } });
    heard = performance.now();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!page.getElementById("places")) { location.reload(); return; }
    for (const part of page.querySelectorAll("[data-part]")) if ($(part.id)) put($(part.id), part);
  } catch { /* said by tick */ }
  tick();
}

for (const part of document.querySelectorAll("[data-part]")) source.set(part, part.outerHTML);
new EventSource("/events").addEventListener("changed", () => { heard = performance.now(); refresh(); });
setInterval(tick, 1000);
tick();
