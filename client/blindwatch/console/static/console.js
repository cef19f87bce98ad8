// Keeps the page as the server has it, puts the focus where the next decision is, and makes keys of buttons.
"use strict";

const GUARD = 600; // milliseconds after a new card in which nothing is decided: it was meant for the one before
const LOST = 6000; // milliseconds without a word from the console
let shown = performance.now();
let heard = performance.now();
let known = alerts();
let busy = false;
let again = false;
let sending = false;
const source = new WeakMap(); // what the server sent for each part of the page

function $(id) { return document.getElementById(id); }
function alerts() { return new Set($("queue").dataset.alerts.split(" ").filter(Boolean)); }
function isOn(id) { return $(id).getAttribute("aria-pressed") === "true"; }

function say(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
}

function tick() {
  const now = Date.now();
  for (const each of document.querySelectorAll("[data-age]")) each.textContent = `${say((now - Date.parse(each.dateTime)) / 1000)} ago`;
  for (const each of document.querySelectorAll("[data-since]")) each.textContent = `for ${say((now - Date.parse(each.dateTime)) / 1000)}`;
  for (const each of document.querySelectorAll("[data-left]")) each.textContent = ` in ${say((Date.parse(each.dataset.left) - now) / 1000)}`;
  $("lost").hidden = performance.now() - heard < LOST;
}

// The page comes whole; only what differs is put in its place, and what was chosen or focused stays so.
function show(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  if (!page.getElementById("card")) { location.reload(); return; }
  const card = $("card").dataset.alert + $("card").dataset.stage;
  for (const part of page.querySelectorAll("[data-part]")) put($(part.id), part);
  if (card !== $("card").dataset.alert + $("card").dataset.stage) fresh();
  announce();
  tick();
}

function put(old, part) {
  const html = part.outerHTML;
  if (source.get(old) === html) return;
  const chosen = new Map([...old.querySelectorAll("select")].map(each => [each.form.action + each.form.className, each.value]));
  const focus = old.contains(document.activeElement) ? document.activeElement.textContent : null;
  old.replaceWith(part);
  source.set(part, html);
  if (old.dataset.alert === part.dataset.alert) {
    for (const each of part.querySelectorAll("select")) {
      const value = chosen.get(each.form.action + each.form.className);
      if (value !== undefined) each.value = value;
    }
  }
  if (focus !== null) {
    const same = [...part.querySelectorAll("button, select")].find(each => each.textContent === focus);
    if (same) same.focus({ preventScroll: true });
  }
}

function fresh() {
  shown = performance.now();
  const card = $("card");
  const first = card.querySelector(".rejected button:not(:disabled)") || card.querySelector(".actions button:not(:disabled), [data-first]");
  if (first) first.focus({ preventScroll: true });
  if (card.dataset.alert) card.classList.add("fresh");
  inspect();
}

function announce() {
  const now = alerts();
  const added = [...now].filter(each => !known.has(each));
  known = now;
  document.title = (now.size ? `(${now.size}) ` : "") + document.title.replace(/^\(\d+\) /, "");
  if (!added.length) return;
  $("announce").textContent = added.length === 1 ? "New alert" : `${added.length} new alerts`;
  if (isOn("sound")) beep();
}

function beep() {
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  volume.gain.value = 0.2;
  tone.frequency.value = 880;
  tone.connect(volume).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + 0.25);
  tone.onended = () => audio.close();
}

// The bytes of an image are looked at here, in the browser's sandbox, and not in the program that holds the key.
async function inspect() {
  const image = $("card").querySelector("img[src$='/probe']");
  const list = $("quality");
  if (!image || !list) return;
  try { await image.decode(); } catch { return warn(list, ["The image cannot be shown."]); }
  const side = 64;
  const canvas = new OffscreenCanvas(side, side).getContext("2d");
  canvas.drawImage(image, 0, 0, side, side);
  const data = canvas.getImageData(0, 0, side, side).data;
  const grey = Array.from({ length: side * side }, (_, at) => 0.299 * data[4 * at] + 0.587 * data[4 * at + 1] + 0.114 * data[4 * at + 2]);
  const mean = grey.reduce((sum, each) => sum + each, 0) / grey.length;
  const spread = Math.sqrt(grey.reduce((sum, each) => sum + (each - mean) ** 2, 0) / grey.length);
  const said = [];
  if (mean < 40) said.push("Seen now: the face is dark.");
  if (mean > 215) said.push("Seen now: the face is too bright.");
  if (spread < 12) said.push("Seen now: there is hardly any contrast.");
  warn(list, said);
}

function warn(list, said) {
  list.replaceChildren(...said.map(text => Object.assign(document.createElement("li"), { textContent: text })));
  list.hidden = !said.length;
}

async function load(path, options) {
  try {
    const answer = await fetch(path, options);
    heard = performance.now();
    show(await answer.text());
  } catch { tick(); }
}

async function refresh() {
  if (busy) { again = true; return; }
  busy = true;
  await load("/");
  busy = false;
  const auto = document.querySelector("form[data-auto]");
  if (auto) send(auto);
  else if (again) { again = false; refresh(); }
}

// One thing at a time: what is pressed while something is on its way was meant for what is shown now.
async function send(form) {
  if (sending) return;
  sending = true;
  while (busy) await new Promise(done => setTimeout(done, 20));
  busy = true;
  await load(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  busy = sending = false;
  const auto = document.querySelector("form[data-auto]");
  if (auto) send(auto);
  else if (again) { again = false; refresh(); }
}

document.addEventListener("submit", event => {
  if (event.target.matches("[data-plain]")) return;
  event.preventDefault();
  if (event.target.closest("#card") && performance.now() - shown < GUARD) return;
  send(event.target);
});

document.addEventListener("keydown", event => {
  if (!isOn("keys") || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  if (event.target.matches("select") && !/^[0-9]$/.test(event.key)) return;
  const button = document.querySelector(`button[data-key="${CSS.escape(event.key.toLowerCase())}"]:not(:disabled)`);
  if (!button) return;
  event.preventDefault();
  button.form.requestSubmit();
});

for (const id of ["sound", "keys"]) {
  const kept = sessionStorage.getItem(id);
  if (kept !== null) $(id).setAttribute("aria-pressed", kept);
  $(id).addEventListener("click", () => {
    const on = !isOn(id);
    $(id).setAttribute("aria-pressed", on);
    sessionStorage.setItem(id, on);
    if (id === "sound" && on) beep();
  });
}

for (const part of document.querySelectorAll("[data-part]")) source.set(part, part.outerHTML);
const events = new EventSource("/events");
events.addEventListener("changed", () => { heard = performance.now(); refresh(); });
setInterval(tick, 1000);
tick();
fresh();
const auto = document.querySelector("form[data-auto]");
if (auto) send(auto);
