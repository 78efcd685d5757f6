// Two comforts; without them everything still works. A page that says how often it wants to be
// renewed gets its <main> replaced in place, and a button can copy what an element says.

const SLOWEST_S = 300;
const REST = 20; // for each second that the server worked on an answer

let shown = content(document);
let waitS = 0;

function content(page) {
  return page.querySelector("main").innerHTML;
}

function isBusy() {
  const active = document.activeElement;
  return (
    document.hidden ||
    !document.getSelection().isCollapsed ||
    (active && active.matches("main :is(input, select), main .plot")) ||
    document.querySelector("main .menu[open], dialog[open], .plot .on")
  );
}

function replaceMain(page) {
  const before = document.querySelector("main");
  const after = document.adoptNode(page.querySelector("main"));
  for (const open of before.querySelectorAll("details[open][id]")) {
    after.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
  }
  const focusable = "a[href], button, summary, [tabindex]";
  const place = [...before.querySelectorAll(focusable)].indexOf(document.activeElement);
  const scrolled = [...before.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
  before.replaceWith(after);
  after.querySelectorAll(".scroll").forEach((box, i) => (box.scrollLeft = scrolled[i] ?? 0));
  if (place >= 0) after.querySelectorAll(focusable)[place]?.focus({ preventScroll: true });
  document.title = page.title;
  showCopyButtons();
  document.dispatchEvent(new Event("renewed"));
}

async function renew() {
  const asked = performance.now();
  const answer = await fetch(location.href, { cache: "no-store" });
  if (answer.redirected || !answer.ok) {
    if (answer.redirected) location.reload();
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  waitS = Math.min(SLOWEST_S, (REST * (performance.now() - asked)) / 1000);
  if (content(page) !== shown && !isBusy()) {
    shown = content(page);
    replaceMain(page);
  }
}

async function keepFresh() {
  const wantedS = Number(document.querySelector("main").dataset.refreshS);
  if (!wantedS) return;
  await new Promise((done) => setTimeout(done, 1000 * Math.max(wantedS, waitS)));
  try {
    if (!isBusy()) await renew();
  } catch {
    waitS = Math.min(SLOWEST_S, 2 * Math.max(wantedS, waitS)); // unreachable: ask ever less often
  }
  keepFresh();
}

function showCopyButtons() {
  for (const button of document.querySelectorAll("[data-copies]")) {
    button.hidden = !navigator.clipboard;
  }
}

document.addEventListener("click", async ({ target }) => {
  const source = target.closest?.("[data-copies]")?.dataset.copies;
  if (!source) return;
  await navigator.clipboard.writeText(document.getElementById(source).textContent);
  target.textContent = "Copied";
});

showCopyButtons();
keepFresh();
