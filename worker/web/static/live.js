// Live regions: only what changed is replaced, so scroll position, focus and selection stay.
"use strict";

function morph(old, fresh) {
  const byKey = new Map();
  for (const child of old.children) {
    const key = keyOf(child);
    if (key) byKey.set(key, child);
  }
  let place = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    const key = keyOf(next);
    let match = key ? byKey.get(key) : place;
    if (match && key && match !== place) old.insertBefore(match, place);
    if (!match || !alike(match, next)) {
      const added = document.importNode(next, true);
      if (match && match === place && !keyOf(match)) {
        place = match.nextSibling;
        match.replaceWith(added);
      } else {
        old.insertBefore(added, place);
      }
      continue;
    }
    if (match === place) place = place.nextSibling;
    if (match.nodeType === Node.TEXT_NODE) {
      if (match.data !== next.data) match.data = next.data;
    } else {
      update(match, next);
    }
  }
  while (place) {
    const following = place.nextSibling;
    place.remove();
    place = following;
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
  const shown = rowsOf(region);
  const next = rowsOf(fresh);
  if (!shown.size || !next.size || [...next.keys()].join() === [...shown.keys()].join()) return false;
  fresh.querySelector("tbody").replaceChildren(...[...shown].map(([key, row]) => next.get(key) || row.cloneNode(true)));
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
  const updates = new Map(); // those that would move other content, until the reader shows them
  let source = null;

  function show(words, name) {
    state.hidden = false;
    state.dataset.state = name;
    state.textContent = words;
    state.disabled = name !== "new";
  }

  function release(region) {
    updates.delete(region);
    if (!updates.size && state.dataset.state === "new") show(translated("live"), "open");
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
    updates.set(region, whole);
    show(translated("show new"), "new");
  }

  state.addEventListener("click", () => updates.forEach((fresh, region) => {
    region.style.height = "";
    take(region, fresh);
    release(region);
  }));

  function open() {
    if (source || document.hidden) return;
    source = new EventSource(address);
    source.onopen = () => updates.size || show(translated("live"), "open");
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
