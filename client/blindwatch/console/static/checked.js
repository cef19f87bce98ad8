// Keeps the page of checks as the program has it, counts down and makes keys of buttons. Without it the page is loaded again by hand.
"use strict";

const LOST = 6000; // milliseconds without a word from the program
const GUARD = 600; // milliseconds after a new answer in which no key decides: it was meant for what was there before
let heard = performance.now();
let shown = performance.now();
const source = new WeakMap(); // what the server sent for each part of the page

function $(id) { return document.getElementById(id); }

function tick() {
  for (const each of document.querySelectorAll("[data-left]")) {
    const left = Math.max(0, Math.round((Date.parse(each.dataset.left) - Date.now()) / 1000));
    each.textContent = ` in ${left} s`;
  }
  $("lost").hidden = performance.now() - heard < LOST;
}

// Only what differs is put in its place, and what was chosen or focused stays so; a photograph that was chosen cannot.
function put(old, part) {
  const html = part.outerHTML;
  if (source.get(old) === html) return;
  const form = old.querySelector("#form"), same = part.querySelector("#form");
  if (form && same) same.replaceWith(form);
  const chosen = new Map([...old.querySelectorAll("select")].map((each, at) => [each.form.className + at, each.value]));
  const focus = old.contains(document.activeElement) ? document.activeElement : null;
  old.replaceWith(part);
  source.set(part, html);
  [...part.querySelectorAll("select")].forEach((each, at) => {
    const value = chosen.get(each.form.className + at);
    if (value !== undefined && !part.contains(form)) each.value = value;
  });
  if (focus) refocus(part, focus);
}

function refocus(part, focus) {
  const alike = each => each === focus || (each.tagName === focus.tagName && each.textContent === focus.textContent);
  const same = [...part.querySelectorAll("button, select, input, h2")].find(alike);
  if (same) same.focus();
}

async function refresh() {
  if ($("busy")?.hidden === false) { heard = performance.now(); return; } // the answer comes as a page of its own
  try {
    const answer = await fetch("/", { headers: { Accept: "text/html" } });
    heard = performance.now();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!page.getElementById("waiting")) { location.reload(); return; }
    document.title = page.title;
    for (const part of page.querySelectorAll("[data-part]")) if ($(part.id)) put($(part.id), part);
  } catch { /* said by tick */ }
  tick();
}

function demand() {
  const form = $("form");
  if (form) form.harm.required = Boolean(form.place.selectedOptions[0]?.hasAttribute("data-private"));
}

document.addEventListener("change", demand);
document.addEventListener("submit", event => {
  if (event.target.id !== "form") return;
  $("busy").hidden = false;
  event.target.querySelector("button").disabled = true;
});

document.addEventListener("keydown", event => {
  if (!isOn() || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  if (event.target.matches("input") || (event.target.matches("select") && !/^[0-9]$/.test(event.key))) return;
  const button = document.querySelector(`button[data-key="${CSS.escape(event.key.toLowerCase())}"]:not(:disabled)`);
  if (!button) return;
  event.preventDefault();
  if (performance.now() - shown >= GUARD) button.form.requestSubmit();
});

function isOn() { return $("keys").getAttribute("aria-pressed") === "true"; }

const kept = sessionStorage.getItem("keys");
if (kept !== null) $("keys").setAttribute("aria-pressed", kept);
$("keys").addEventListener("click", () => {
  const on = !isOn();
  $("keys").setAttribute("aria-pressed", on);
  sessionStorage.setItem("keys", on);
});

for (const part of document.querySelectorAll("[data-part]")) source.set(part, part.outerHTML);
new EventSource("/events").addEventListener("changed", () => { heard = performance.now(); refresh(); });
setInterval(tick, 1000);
tick();
demand();
// The answer comes first, wherever in the form the button was.
history.scrollRestoration = "manual";
if ($("title")) { $("title").focus({ preventScroll: true }); scrollTo(0, 0); }
