// A cursor for the chart: the pointer or the arrow keys move it, and what it stands on is said.
// Without this the style sheet shows the same of up to 200 under the pointer, and a table has all.

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

// Of many points there are only words at first, see charts.py. What lies over them is drawn as for
// few once somebody comes near; how high they are, the lines know.
function drawSteps(plot) {
  const { read, top, base } = plot.dataset;
  if (!read) return;
  delete plot.dataset.read;
  const all = read.split("\n");
  const apart = 100 / (all.length - 1);
  const heights = heightsOf(plot, Number(top), all.length - 1);
  all.forEach((words, index) => {
    if (!words) return;
    const x = `${apart * index}%`;
    const step = draw(plot, "g", { class: "at" });
    draw(step, "rect", { x: `${apart * (index - 0.5)}%`, y: 0, width: `${apart}%`, height: base });
    draw(step, "line", { x1: x, x2: x, y1: top, y2: base });
    draw(step, "circle", { cx: x, cy: heights.get(index), r: 3.5 });
    draw(step, "text", { x: "100%", y: 14, "text-anchor": "end" }).textContent = words;
  });
}

function draw(parent, name, attributes) {
  const drawn = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) drawn.setAttribute(key, value);
  return parent.appendChild(drawn);
}

function heightsOf(plot, top, last) {
  const heights = new Map();
  for (const line of plot.querySelectorAll(".line:not(.then)")) {
    for (const { x, y } of line.points) heights.set(Math.round((x / 1000) * last), top + y);
  }
  for (const dot of plot.querySelectorAll(".dot")) {
    heights.set(Math.round((parseFloat(dot.getAttribute("cx")) / 100) * last), dot.getAttribute("cy"));
  }
  return heights;
}

function enhance() {
  const plot = document.querySelector(".plot");
  if (!plot || !(plot.dataset.read || steps().length)) return;
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
  drawSteps(event.target);
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

document.addEventListener("pointerover", ({ target }) => {
  const plot = target.closest?.(".plot[data-read]");
  if (plot) drawSteps(plot);
});

document.addEventListener("pointermove", (event) => {
  const step = event.target.closest?.(".plot .at");
  if (step) moveTo(step);
});

document.addEventListener("pointerdown", (event) => moveTo(event.target.closest?.(".plot .at")));
document.addEventListener("htmx:after:process", enhance);
