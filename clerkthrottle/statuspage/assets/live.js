// Keeps the page live: fetches it again and again, brings it up to date with what
// came, and says so as soon as what it shows is old.

import { morph } from "./morph.js";
import { tick } from "./clock.js";

const root = document.documentElement;
const view = document.getElementById("view");
const status = document.getElementById("status");
const said = document.getElementById("said");
const interval = Number(document.body.dataset.interval);
const patience = 4000; // with an answer
const retry = 2000; // at the latest
const sayAgain = 5000;

const states = {
  live: "live",
  lost: "connection lost, retrying",
  resumed: "connecting", // what is shown is from before
};

function show(state) {
  root.dataset.state = state;
  if (status.textContent !== states[state]) status.textContent = states[state];
}

let asked = null; // aborts the request under way
let timer = 0; // for the next
let shownAt = performance.now();

async function ask() {
  stop();
  const request = (asked = new AbortController());
  let next = interval;
  try {
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(patience)]);
    const answer = await fetch(location.href, { signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    morph(view, page.getElementById("view")); // fails for any other page, such as one to log in
    shownAt = performance.now();
    tick(0);
    show("live");
    announce();
  } catch {
    if (asked !== request) return; // another has begun, or nobody looks
    show("lost");
    next = Math.min(interval, retry);
  }
  timer = setTimeout(ask, next);
}

function stop() {
  clearTimeout(timer);
  asked?.abort();
  asked = null;
}

// announce tells a screen reader when something begins or ends to hold requests,
// but not of every number.
const state = () => view.querySelector("[data-announce]").dataset.announce;
let announced = state(); // with the page itself
let announcedAt = 0;
function announce() {
  const text = state();
  if (text === announced || Date.now() - announcedAt < sayAgain) return;
  announced = said.textContent = text;
  announcedAt = Date.now();
}

// The table is filtered and sorted where it is made; the address says how.
function go(search) {
  history.replaceState(null, "", search === "?" ? location.pathname : search);
  ask();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.('main a[href^="?"]');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go(link.getAttribute("href"));
});

let typing = 0;
function goForm(form) {
  clearTimeout(typing);
  const query = new URLSearchParams(new FormData(form));
  for (const [name, value] of [...query]) if (!value) query.delete(name);
  go(`?${query}`);
}
document.addEventListener("input", ({ target: { form } }) => {
  clearTimeout(typing);
  if (form) typing = setTimeout(goForm, 200, form);
});
document.addEventListener("submit", (event) => {
  event.preventDefault();
  goForm(event.target);
});

// A page that nobody sees asks for nothing.
function resume() {
  show("resumed");
  if (document.hidden) stop();
  else ask();
}
document.addEventListener("visibilitychange", resume);
addEventListener("pagehide", stop);
addEventListener("pageshow", (event) => event.persisted && resume());

setInterval(() => {
  if (root.dataset.state === "live") tick(performance.now() - shownAt); // old countdowns stand still
}, 100);

root.classList.add("js");
show("live");
if (!document.hidden) timer = setTimeout(ask, interval);
