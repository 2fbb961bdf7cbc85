// What the pages do beyond reading and sending forms: times in the reader's zone, live regions,
// files dropped onto the page, the theme. Without this script everything else still works.
"use strict";

// ── words: in the language of the page; English needs none ────────────────────────────────
const WORDS = JSON.parse(document.documentElement.dataset.words || "{}");

function translated(text, values = {}) {
  return (WORDS[text] || text).replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// ── theme: as the system, light, dark ──────────────────────────────────────────────────────
const THEMES = ["system", "light", "dark"];
const THEME_WORDS = [translated("Theme: system"), translated("Theme: light"), translated("Theme: dark")];
let theme = THEMES.indexOf(stored("theme"));
if (theme < 0) theme = 0;
applyTheme();

function stored(key) {
  try { return localStorage.getItem(key); } catch { return null; }
}

function applyTheme() {
  if (theme) document.documentElement.dataset.theme = THEMES[theme];
  else delete document.documentElement.dataset.theme;
  const button = document.getElementById("theme");
  if (button) button.textContent = THEME_WORDS[theme];
}

function offerTheme() {
  const button = document.getElementById("theme");
  button.hidden = false;
  applyTheme();
  button.addEventListener("click", () => {
    theme = (theme + 1) % THEMES.length;
    try { localStorage.setItem("theme", THEMES[theme]); } catch { /* for this page only */ }
    applyTheme();
  });
}

// ── times: the server writes UTC; they are shown in the browser's zone, or the chosen one ────
const CHOSEN = document.documentElement.dataset.zone;
const timeZone = CHOSEN && CHOSEN !== "browser" ? CHOSEN : Intl.DateTimeFormat().resolvedOptions().timeZone;
const dayFormat = new Intl.DateTimeFormat("sv", { dateStyle: "short", timeZone });
const minuteFormat = new Intl.DateTimeFormat("sv", { dateStyle: "short", timeStyle: "short", timeZone });
const timeFormat = new Intl.DateTimeFormat("sv", { timeStyle: "medium", timeZone });
const exactFormat = new Intl.DateTimeFormat("sv", {
  dateStyle: "short", timeStyle: "medium", timeZone,
});

function distance(seconds) {
  const far = Math.abs(seconds);
  const [number, form] = far < 60 ? [Math.floor(far / 10) * 10, "{number} s"]
    : far < 3600 ? [Math.floor(far / 60), "{number} min"]
    : far < 172800 ? [Math.floor(far / 3600), "{number} h"]
    : [Math.floor(far / 86400), "{number} days"];
  return translated(form, { number });
}

function ago(at, now) {
  const seconds = (now - at) / 1000;
  if (Math.abs(seconds) < 10) return seconds > -1 ? translated("just now") : translated("now");
  const time = distance(seconds);
  return seconds > 0 ? translated("{time} ago", { time }) : translated("in {time}", { time });
}

function due(at, now) {
  const late = (now - at) / 1000;
  return late <= -10 ? ago(at, now)
    : late < 10 ? translated("due now") : translated("overdue {time}", { time: distance(late) });
}

function localise(within) {
  const now = Date.now();
  for (const element of within.querySelectorAll("time[datetime]")) {
    const at = new Date(element.dateTime);
    if (isNaN(at)) continue;
    if (!element.dataset.local) {
      element.dataset.local = "yes";
      element.title = translated("{time} in {zone}, {utc}", {
        time: exactFormat.format(at), zone: timeZone, utc: element.title,
      });
    }
    const text = "ago" in element.dataset ? ago(at, now)
      : "due" in element.dataset ? due(at, now)
      : dayFormat.format(at) === dayFormat.format(now) ? timeFormat.format(at)
      : minuteFormat.format(at);
    if (element.textContent !== text) element.textContent = text;
  }
}

function offerZones() {
  document.getElementById("zone-name").addEventListener("focus", (event) => {
    const list = document.getElementById("zones");
    if (list.children.length) return;
    list.append(...(Intl.supportedValuesOf?.("timeZone") || []).map((name) => new Option("", name)));
    event.target.setAttribute("list", "zones");
  }, { once: true });
}

// ── live regions: only what changed is replaced, so scroll position, focus and selection stay ──
function morph(old, fresh) {
  const kept = new Map();
  for (const child of old.children) {
    const key = keyOf(child);
    if (key) kept.set(key, child);
  }
  let place = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const key = keyOf(wanted);
    let found = key ? kept.get(key) : place;
    if (found && key && found !== place) old.insertBefore(found, place);
    if (!found || !alike(found, wanted)) {
      const added = document.importNode(wanted, true);
      if (found && found === place && !keyOf(found)) {
        place = found.nextSibling;
        found.replaceWith(added);
      } else {
        old.insertBefore(added, place);
      }
      continue;
    }
    if (found === place) place = place.nextSibling;
    if (found.nodeType === Node.TEXT_NODE) {
      if (found.data !== wanted.data) found.data = wanted.data;
    } else {
      update(found, wanted);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.dataset.key || node.id : "";
}

function alike(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName
    && keyOf(one) === keyOf(other);
}

function update(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) return;
  if (old.nodeName === "TIME" && old.dateTime === fresh.dateTime) return; // already in our zone
  for (const { name } of [...old.attributes]) {
    const own = name === "open" || name === "data-local";
    if (!fresh.hasAttribute(name) && !own) old.removeAttribute(name);
  }
  if (old.nodeName === "TIME") delete old.dataset.local;
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !(name === "open")) old.setAttribute(name, value);
  }
  if (old.nodeName === "INPUT" || old.nodeName === "TEXTAREA") return; // typed text stays
  morph(old, fresh);
}

// Keeps in `fresh` only the rows that are shown, with their new content; returns whether there are others.
function holdRows(region, fresh) {
  const rowsOf = (within) => new Map([...within.querySelectorAll("tbody tr[data-key]")].map((row) => [row.dataset.key, row]));
  const seen = rowsOf(region);
  const next = rowsOf(fresh);
  if (!seen.size || !next.size || [...next.keys()].join() === [...seen.keys()].join()) return false;
  fresh.querySelector("tbody").replaceChildren(...[...seen].map(([key, row]) => next.get(key) || row.cloneNode(true)));
  return true;
}

// Updates a region without changing its height; returns whether its content does not fit.
function holdHeight(region, fresh) {
  const height = region.offsetHeight;
  region.style.minHeight = `${height}px`;
  region.style.height = "";
  take(region, fresh);
  if (region.offsetHeight <= height) return false;
  region.style.height = `${height}px`;
  return true;
}

function take(region, fresh) {
  morph(region, fresh);
  localise(region);
}

function watch(address) {
  const state = document.getElementById("live");
  const held = new Map(); // updates that would move other content, until the reader shows them
  let source = null;

  function show(words, name) {
    state.hidden = false;
    state.dataset.state = name;
    state.textContent = words;
    state.disabled = name !== "new";
  }

  function release(region) {
    held.delete(region);
    if (!held.size && state.dataset.state === "new") show(translated("live"), "open");
  }

  function receive(region, html) {
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    const whole = fresh.content.cloneNode(true);
    const waits = region.dataset.hold === "height" ? holdHeight(region, fresh.content)
      : "hold" in region.dataset && holdRows(region, fresh.content);
    if (region.dataset.hold !== "height") take(region, fresh.content);
    if (!waits) {
      release(region);
      return;
    }
    held.set(region, whole);
    show(translated("show new"), "new");
  }

  state.addEventListener("click", () => held.forEach((fresh, region) => {
    region.style.height = "";
    take(region, fresh);
    release(region);
  }));

  function open() {
    if (source || document.hidden) return;
    source = new EventSource(address);
    source.onopen = () => held.size || show(translated("live"), "open");
    source.onerror = () => {
      show(translated("reconnecting"), "waiting");
      if (source && source.readyState === EventSource.CLOSED) {
        source = null;
        setTimeout(open, 5000);
      }
    };
    for (const region of document.querySelectorAll("[data-region]")) {
      source.addEventListener(region.id, (event) => receive(region, event.data));
    }
  }

  function close() {
    if (source) source.close();
    source = null;
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
}

// ── files dropped onto the page ────────────────────────────────────────────────────────────
function offerDrop(form) {
  const input = form.querySelector("input[type=file]");
  const zone = form.querySelector(".drop");
  const list = form.querySelector(".chosen");
  const button = form.querySelector("button.main");
  const note = form.querySelector("[role=status]");
  const most = Number(form.dataset.mostBytes);
  const mostFiles = Number(form.dataset.mostFiles);

  function size(bytes) {
    return bytes < 1e3 ? `${bytes} B` : bytes < 999.5e3 ? `${Math.round(bytes / 1e3)} kB`
      : `${(bytes / 1e6).toFixed(1)} MB`;
  }

  function showChosen() {
    const files = [...input.files];
    const bytes = files.reduce((sum, file) => sum + file.size, 0);
    list.replaceChildren(...files.slice(0, 8).map((file) => {
      const line = document.createElement("li");
      const name = document.createElement("span");
      const much = document.createElement("span");
      name.textContent = file.name;
      much.textContent = size(file.size);
      much.className = "num quiet";
      line.append(name, much);
      return line;
    }));
    const many = bytes > most || files.length > mostFiles;
    note.textContent = !files.length ? ""
      : bytes > most ? translated("{size} is more than one upload may hold ({limit}).", { size: size(bytes), limit: size(most) })
      : files.length > mostFiles ? translated("One upload may hold {limit} files; these are {count}.", { limit: mostFiles, count: files.length })
      : translated("Files: {count}, {size}", { count: files.length, size: size(bytes) });
    note.classList.toggle("bad", many);
    button.disabled = many;
  }

  input.addEventListener("change", showChosen);
  let depth = 0;
  const hasFiles = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
  document.addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth += 1;
    zone.classList.add("over");
  });
  document.addEventListener("dragleave", () => {
    depth = Math.max(0, depth - 1);
    if (!depth) zone.classList.remove("over");
  });
  document.addEventListener("dragover", (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    zone.classList.remove("over");
    input.files = event.dataTransfer.files;
    showChosen();
    button.focus();
  });
  showChosen();
}

addEventListener("DOMContentLoaded", () => {
  document.getElementById("zone").textContent = translated("Times are in {zone}", { zone: timeZone });
  offerZones();
  offerTheme();
  document.querySelector(".top nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  localise(document);
  setInterval(() => localise(document), 10000);
  if (document.body.dataset.live) watch(document.body.dataset.live);
  const upload = document.getElementById("upload");
  if (upload) offerDrop(upload);
  for (const form of document.querySelectorAll("form[method=post]")) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) event.preventDefault(); // a second click is ignored
      form.dataset.sent = "yes";
      setTimeout(() => delete form.dataset.sent, 3000);
    });
  }
});
