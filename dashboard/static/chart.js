// A cursor for the chart: the pointer or the arrow keys move it, and what it stands on is said.
// Without this the style sheet shows the same under the pointer, and a table has all numbers.

const MOVES = {
  ArrowLeft: (at) => at - 1,
  ArrowRight: (at) => at + 1,
  PageUp: (at) => at - 7,
  PageDown: (at) => at + 7,
  Home: () => 0,
  End: (_, last) => last,
};

function steps() {
  return [...document.querySelectorAll(".plot .at")];
}

function enhance() {
  const plot = document.querySelector(".plot");
  if (!plot || !steps().length) return;
  plot.setAttribute("tabindex", "0");
  plot.setAttribute("aria-keyshortcuts", "ArrowLeft ArrowRight Home End");
}

function moveTo(step) {
  for (const other of steps()) other.classList.toggle("on", other === step);
}

function say(step) {
  document.getElementById("said").textContent = step.querySelector("text").textContent;
}

document.addEventListener("keydown", (event) => {
  if (!event.target.matches?.(".plot")) return;
  const all = steps();
  const at = all.findIndex((step) => step.classList.contains("on"));
  if (event.key === "Escape" && at >= 0) {
    event.preventDefault();
    moveTo(null);
    return;
  }
  const move = MOVES[event.key];
  if (!move) return;
  event.preventDefault();
  const last = all.length - 1;
  const to = all[Math.max(0, Math.min(last, move(at < 0 ? all.length : at, last)))];
  moveTo(to);
  say(to);
}, true);

document.addEventListener("pointermove", (event) => {
  const step = event.target.closest?.(".plot .at");
  if (step) moveTo(step);
});

document.addEventListener("pointerdown", (event) => moveTo(event.target.closest?.(".plot .at")));
document.addEventListener("renewed", enhance);
enhance();
