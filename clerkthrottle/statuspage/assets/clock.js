// tick brings every countdown of the page up to date, some milliseconds after the
// snapshot that it shows. It goes by the clock of the program that is watched:
// the browser's may be wrong by minutes.
export function tick(elapsed) {
  const now = Number(document.querySelector("[data-now]").dataset.now) + elapsed;
  for (const time of document.querySelectorAll("time[data-until]")) {
    const text = countdown(Number(time.dataset.until) - now);
    if (time.textContent !== text) time.textContent = text;
  }
}

// countdown writes milliseconds as text.go does.
export function countdown(ms) {
  const tenths = Math.max(0, Math.ceil(ms / 100));
  const seconds = Math.ceil(tenths / 10);
  const minutes = Math.ceil(seconds / 60);
  const two = (n) => String(n).padStart(2, "0");
  if (tenths < 100) return `${(tenths / 10).toFixed(1)} s`;
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}
