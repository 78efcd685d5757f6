// Comforts; without them everything still works. Links and forms that lead to another view of the
// same page replace its <main> in place, a page that says how often it wants to be renewed is, a
// field for a value offers those there are, and a button can copy what an element says.

const SLOWEST_S = 300;
const REST = 20; // for each second that the server worked on an answer
const FOCUSABLE = "a[href], button, summary, input, select, [tabindex]";

const OWN = location.pathname; // also while a list over the page has an address of its own

let shown = content(document);
let below = location.href; // the address of what main shows
let waitS = 0;
let turn = new AbortController();

function content(page) {
  return page.querySelector("main").innerHTML;
}

function isWritten(field) {
  return field.type !== "hidden" && field.value !== field.defaultValue;
}

function isBusy() {
  const active = document.activeElement;
  return (
    document.hidden ||
    !document.getSelection().isCollapsed ||
    (active && active.matches("main :is(input, select, textarea), main .plot")) ||
    [...document.querySelectorAll("main :is(input, textarea)")].some(isWritten) ||
    document.querySelector("main .menu[open], dialog[open], .plot .on")
  );
}

// What has the focus is found again by what it says, else by its place.
function sameAs(active, before, after) {
  const all = [...after.querySelectorAll(FOCUSABLE)];
  const alike = (other) => other.tagName === active.tagName && other.textContent === active.textContent;
  return all.find(alike) ?? all[[...before.querySelectorAll(FOCUSABLE)].indexOf(active)];
}

function replaceMain(page, keepsMenus) {
  shown = content(page);
  below = location.href;
  const before = document.querySelector("main");
  const after = document.adoptNode(page.querySelector("main"));
  const kept = keepsMenus ? "details[open][id]" : "details[open][id]:not(.menu)";
  for (const open of before.querySelectorAll(kept)) {
    after.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
  }
  const active = document.activeElement;
  const focused = before.contains(active) ? sameAs(active, before, after) : null;
  const scrolled = [...before.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
  before.replaceWith(after);
  after.querySelectorAll(".scroll").forEach((box, i) => (box.scrollLeft = scrolled[i] ?? 0));
  focused?.focus({ preventScroll: true });
  document.title = page.title;
  showCopyButtons();
  document.dispatchEvent(new Event("renewed"));
}

async function parsed(answer) {
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

// What stands on the page stays when there is no answer; a link tries again.
function sayUnreached(url, where) {
  const note = document.getElementById("unreached");
  note.querySelector("a").href = url;
  where.append(note); // a dialog would lie over it
  note.hidden = false;
}

function reached() {
  document.getElementById("unreached").hidden = true;
}

async function renew() {
  const asked = performance.now();
  const place = location.href;
  const answer = await fetch(place, { cache: "no-store", signal: turn.signal });
  reached();
  if (answer.redirected || !answer.ok) {
    if (answer.redirected) location.reload();
    return;
  }
  const page = await parsed(answer);
  waitS = Math.min(SLOWEST_S, (REST * (performance.now() - asked)) / 1000);
  if (place === location.href && content(page) !== shown && !isBusy()) replaceMain(page, true);
  document.dispatchEvent(new Event("answered"));
}

async function keepFresh() {
  const wantedS = Number(document.querySelector("main").dataset.refreshS);
  await new Promise((done) => setTimeout(done, 1000 * Math.max(wantedS || 1, waitS)));
  try {
    if (document.querySelector("main").dataset.refreshS && !isBusy()) await renew();
  } catch (error) {
    if (error.name !== "AbortError") sayUnreached(location.href, document.body);
    waitS = Math.min(SLOWEST_S, 2 * Math.max(wantedS, waitS)); // unreachable: ask ever less often
  }
  keepFresh();
}

function isSamePage(url) {
  return url.origin === location.origin && url.pathname === OWN;
}

async function go(url, isNew) {
  turn.abort();
  turn = new AbortController();
  reached();
  const main = document.querySelector("main");
  main.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(url, { signal: turn.signal });
    const place = new URL(answer.url);
    const isPage = answer.headers.get("content-type")?.startsWith("text/html");
    if (!isSamePage(place) || !isPage || answer.status >= 500) {
      location.assign(url);
      return;
    }
    const page = await parsed(answer);
    place.hash = "";
    if (isNew) history.pushState(null, "", place);
    replaceMain(page, false);
    document.getElementById("said").textContent = page.title;
  } catch (error) {
    if (error.name === "AbortError") return;
    main.removeAttribute("aria-busy");
    sayUnreached(url, document.body);
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("main a[href], body > #unreached a");
  const isPlain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button);
  if (!link || !isPlain || event.defaultPrevented || link.target) return;
  const url = new URL(link.href);
  if (!isSamePage(url) || url.searchParams.has("format")) return;
  event.preventDefault();
  go(url, true);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  // The foot of the page is older than the view that stands above it.
  if (form.matches(".colophon form")) form.elements.back.value = location.pathname + location.search;
  if (form.method !== "get" || event.defaultPrevented) return;
  event.preventDefault();
  const url = new URL(OWN, location.href);
  url.search = new URLSearchParams(new FormData(form));
  go(url, true);
});

// A whole list is shown over the page that leads to it; by itself it is a page like others.

function isList(url) {
  const more = document.getElementById("more");
  return more !== null && url.origin === location.origin && url.pathname.startsWith(`${OWN}/by/`);
}

async function lists() {
  const more = document.getElementById("more");
  const found = await import("./dialog.js");
  if (!more.dataset.ready) {
    more.dataset.ready = "yes";
    more.addEventListener("elsewhere", ({ detail }) => go(detail, true));
    more.addEventListener("unreached", ({ detail }) =>
      sayUnreached(detail, more.open ? more : document.body),
    );
  }
  return found;
}

document.addEventListener("click", async (event) => {
  const link = event.target.closest?.(".details a[href]");
  const isPlain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button);
  if (!link || !isPlain || event.defaultPrevented || !isList(new URL(link.href))) return;
  event.preventDefault();
  link.focus(); // where it comes back to
  try {
    (await lists()).show(new URL(link.href), true);
  } catch {
    sayUnreached(link.href, document.body); // what shows it could not be loaded
  }
});

addEventListener("popstate", async ({ state }) => {
  const url = new URL(location.href);
  const isOpen = document.querySelector("#more[open]");
  if (isList(url)) {
    const found = await lists();
    found.returned(state);
    found.show(url, false);
    return;
  }
  if (isOpen) (await lists()).leave();
  if (url.href !== below) go(url, false);
});

async function offerValues(field) {
  const list = document.getElementById("values");
  list.replaceChildren();
  if (field.value === "props") return;
  const url = new URL(location.href);
  url.pathname = `${field.form.dataset.lists}${field.value}`;
  url.searchParams.set("format", "json");
  const answer = await fetch(url);
  if (!answer.ok) return;
  for (const { dimensions } of (await answer.json()).results.slice(0, 200)) {
    list.append(Object.assign(document.createElement("option"), { value: dimensions[0] }));
  }
}

document.addEventListener("focusin", ({ target }) => {
  const field = target.matches?.("[list=values]") && target.form.elements.field;
  if (field && target.dataset.offers !== field.value) {
    target.dataset.offers = field.value;
    offerValues(field);
  }
});

function showCopyButtons() {
  for (const button of document.querySelectorAll("[data-copies]")) {
    button.hidden = !navigator.clipboard;
  }
}

document.addEventListener("click", async ({ target }) => {
  const source = target.closest?.("[data-copies]")?.dataset.copies;
  if (!source) return;
  await navigator.clipboard.writeText(document.getElementById(source).textContent);
  target.textContent = target.dataset.copied;
});

showCopyButtons();
keepFresh();
