// What the pages do beyond reading and sending forms: times in the reader's zone and the theme; live.js
// and upload.js have the rest. Without these scripts everything else still works.
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
