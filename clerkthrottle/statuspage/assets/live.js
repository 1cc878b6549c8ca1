// Keeps the page live: follows the stream of views, asks for single ones where
// there is no stream, and says so as soon as what it shows is old.

import { morph } from "./morph.js";
import { setClock, tick } from "./clock.js";

const view = document.getElementById("view");
const status = document.getElementById("stream");
const said = document.getElementById("said");
const interval = Number(document.body.dataset.interval);
const patience = 2 * interval + 3000; // silence beyond this is a lost stream
const pollEvery = 2000;
const streamAgain = 10000; // after a refused stream
const sayAgain = 5000;

let stream = null;
let timer = 0; // the next poll, or the end of patience
let asked = null; // aborts the poll under way
let noStreamUntil = 0;

const states = {
  connecting: "connecting",
  live: "live",
  polled: "live, every 2 s",
  lost: "connection lost, retrying",
  resumed: "connecting", // what is shown is from before
};

function show(state) {
  document.documentElement.dataset.stream = state;
  if (status.textContent !== states[state]) status.textContent = states[state];
}

// apply shows a view that has just arrived.
function apply(html, state) {
  const next = document.createElement("template");
  next.innerHTML = html;
  morph(view, next.content);
  setClock(Number(view.querySelector("[data-now]").dataset.now));
  tick();
  show(state);
  announce();
}

// announce tells a screen reader when something begins or ends to hold requests,
// but not of every number.
let announced = null;
let announcedAt = 0;
function announce() {
  const text = view.querySelector("[data-announce]").dataset.announce;
  if (announced === null) announced = text; // it has just read the page
  if (text === announced || Date.now() - announcedAt < sayAgain) return;
  announced = text;
  announcedAt = Date.now();
  said.textContent = text;
}

function stop() {
  clearTimeout(timer);
  stream?.close();
  asked?.abort();
  stream = asked = null;
}

function follow() {
  stop();
  const query = new URLSearchParams(location.search);
  query.set("as", "view");
  let heard = false;
  stream = new EventSource(`events?${query}`);
  stream.addEventListener("view", (event) => {
    heard = true;
    clearTimeout(timer);
    timer = setTimeout(lose, patience);
    apply(event.data, "live");
  });
  stream.onerror = () => {
    if (!heard) noStreamUntil = Date.now() + streamAgain;
    lose();
  };
  timer = setTimeout(lose, patience);
}

// lose gives the stream up. What is shown is old from now on, unless it was
// asked for singly a moment ago.
function lose() {
  stop();
  if (document.documentElement.dataset.stream !== "polled") show("lost");
  timer = setTimeout(poll, 500);
}

async function poll() {
  const request = new AbortController();
  asked = request;
  const late = setTimeout(() => request.abort(), patience);
  try {
    const answer = await fetch(`view${location.search}`, { signal: request.signal, cache: "no-store" });
    if (!answer.ok) throw new Error(answer.statusText);
    const html = await answer.text();
    if (asked !== request) return;
    apply(html, "polled");
    if (Date.now() >= noStreamUntil) return follow();
  } catch {
    if (asked !== request) return; // something else has begun
    show("lost");
  } finally {
    clearTimeout(late);
  }
  timer = setTimeout(poll, pollEvery);
}

// The table is filtered and sorted where it is made; the address says how.
function ask(search) {
  history.replaceState(null, "", search === "?" ? location.pathname : search);
  follow();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.('main a[href^="?"]');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  ask(link.getAttribute("href"));
});

let typing = 0;
function askForm(form) {
  clearTimeout(typing);
  const query = new URLSearchParams(new FormData(form));
  for (const [name, value] of [...query]) if (!value) query.delete(name);
  const up = new URLSearchParams(location.search);
  if (up.has("up") && up.get("sort") === query.get("sort")) query.set("up", up.get("up"));
  ask(`?${query}`);
}
document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (!form) return;
  clearTimeout(typing);
  typing = setTimeout(askForm, 200, form);
});
document.addEventListener("submit", (event) => {
  event.preventDefault();
  askForm(event.target);
});

// A page that nobody sees needs no stream.
document.addEventListener("visibilitychange", () => {
  show("resumed");
  if (document.hidden) stop();
  else follow();
});
addEventListener("pagehide", stop);
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  show("resumed");
  follow();
});

const calm = matchMedia("(prefers-reduced-motion: reduce)");
(function run() {
  const state = document.documentElement.dataset.stream;
  if (state === "live" || state === "polled") tick(); // old countdowns stand still
  setTimeout(run, calm.matches ? 1000 : 100);
})();

document.documentElement.classList.add("js");
show("connecting");
follow();
