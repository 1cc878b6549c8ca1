// Counts down between two snapshots, by the clock of the program that is watched:
// the browser's may be wrong by minutes.

let offset = null; // the program's clock minus the browser's, in milliseconds

// setClock takes in the time of a snapshot that has just arrived. Each was on
// its way for a while, so the largest difference seen is the truest, unless one
// of the clocks was set.
export function setClock(time) {
  const seen = time - Date.now();
  if (offset === null || seen > offset || seen < offset - 1000) offset = seen;
}

// tick brings every countdown of the page up to date.
export function tick() {
  const now = Date.now() + (offset ?? 0);
  for (const time of document.querySelectorAll("time[data-until]")) {
    const text = countdown(Number(time.dataset.until) - now);
    if (time.textContent !== text) time.textContent = text;
  }
}

// countdown writes milliseconds as text.go does.
export function countdown(ms) {
  const tenths = Math.max(0, Math.ceil(ms / 100));
  if (tenths < 100) return `${(tenths / 10).toFixed(1)} s`;
  const seconds = Math.ceil(tenths / 10);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  const minutes = Math.ceil(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

function two(n) {
  return String(n).padStart(2, "0");
}
