// Keeps the page of checks as the program has it, and makes keys of buttons.
"use strict";

const GUARD = 600; // milliseconds after a new answer in which no key decides: it was meant for what was there before
const shown = performance.now();

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
  if (same) same.focus({ preventScroll: true });
}

function changed() {
  if ($("busy")?.hidden !== false) refresh("waiting", put); // otherwise the answer comes as a page of its own
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

follow(changed);
demand();
// The answer comes first, wherever in the form the button was.
history.scrollRestoration = "manual";
if ($("title")) { $("title").focus({ preventScroll: true }); scrollTo(0, 0); }
