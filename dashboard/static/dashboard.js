// Links and forms that lead to another view of the same page are followed by htmx, which makes that
// view's <main> out of ours, and renews a page that says how often it wants to be. What htmx cannot
// know is said here, as handlers of its events. Without a script everything works, too.

const SLOWEST_MS = 300_000;
const UNREACHED_MS = 10_000; // after which it is tried again, when once there was no answer
const REST = 20; // for each second that the server worked on an answer
const FOCUSABLE = "a[href], button, summary, input:not([type=hidden]), select, [tabindex]";

const OWN = location.pathname; // also while a list over the page has an address of its own

const main = document.getElementById("main");
const VIEW = { target: main, select: "#main", swap: "outerMorph show:none" };

let below = location.pathname + location.search; // the address of what main shows
let running = null; // what was asked for last, as htmx tells of it
let askedMs = 0;
let restMs = 0;
let restsUntilMs = 0;
let focused = null;

function isRenewal(ctx) {
  return ctx.sourceEvent.type === "every";
}

function isOwn(url) {
  return url.origin === location.origin && url.pathname === OWN;
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
    document.querySelector("main .menu[open], dialog[open], .plot .on, #live[data-flows]")
  );
}

function rest(ms) {
  restMs = Math.min(SLOWEST_MS, ms);
  restsUntilMs = performance.now() + restMs;
}

// Everything else is left to the browser: other pages, files, and forms that change something.
document.addEventListener("htmx:before:init", (event) => {
  const asker = event.target;
  if (!asker.matches("a, form")) return;
  const url = new URL(asker.href || asker.action, location.href);
  const isOurs = (isOwn(url) || isList(url)) && !url.searchParams.has("format");
  if (!isOurs || asker.method === "post") event.preventDefault();
});

// What is asked for when somebody goes back is not, in htmx 4.0.
function beAbortable(request) {
  const turn = new AbortController();
  Object.assign(request, { signal: turn.signal, abort: () => turn.abort() });
}

document.addEventListener("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  if (isRenewal(ctx) && (isBusy() || performance.now() < restsUntilMs)) event.preventDefault();
  delete ctx.request.anchor; // nothing is to jump
  ctx.request.headers = { Accept: "text/html" }; // not our address once more, which may be long
  if (!ctx.request.abort) beAbortable(ctx.request);
  Object.assign(ctx, isList(new URL(ctx.request.action, location.href)) ? LIST : VIEW);
});

document.addEventListener("htmx:before:request", ({ detail }) => {
  running = detail.ctx;
  askedMs = performance.now();
  if (isRenewal(running)) return;
  reached();
  (more?.open ? list : main).setAttribute("aria-busy", "true");
});

document.addEventListener("htmx:finally:request", ({ detail }) => {
  if (detail.ctx !== running) return;
  for (const busy of document.querySelectorAll("[aria-busy]")) busy.removeAttribute("aria-busy");
});

document.addEventListener("htmx:before:response", (event) => {
  const { ctx } = event.detail;
  const answer = ctx.response.raw;
  reached();
  if (isRenewal(ctx)) {
    rest(REST * (performance.now() - askedMs));
    if (answer.redirected) location.reload();
    if (answer.redirected || !answer.ok) event.preventDefault();
    return;
  }
  const place = new URL(answer.url);
  const isAsIs = ctx.target === list ? isList(place) : isOwn(place);
  const isPage = answer.headers.get("content-type")?.startsWith("text/html");
  if (isAsIs && isPage && answer.status < 500) return;
  event.preventDefault();
  location.assign(ctx.request.action);
});

// What stands on the page stays when there is no answer; a link tries again.
function sayUnreached(url) {
  const note = document.getElementById("unreached");
  note.querySelector("a").href = url;
  (more?.open ? more : document.body).append(note); // a dialog would lie over it
  htmx.process(note, true);
  note.hidden = false;
}

function reached() {
  document.getElementById("unreached").hidden = true;
}

document.addEventListener("htmx:error", ({ detail }) => {
  if (!detail.ctx) return;
  if (isRenewal(detail.ctx)) rest(Math.max(UNREACHED_MS, 2 * restMs)); // ask ever less often
  sayUnreached(detail.ctx.request.action);
});

// The same address again is nothing to go back from.
document.addEventListener("htmx:before:history:update", (event) => {
  if (event.detail.history.path === location.pathname + location.search) event.preventDefault();
});

function nameOf(element) {
  return element.name || element.textContent;
}

function focusable(within) {
  return [...within.querySelectorAll(FOCUSABLE)];
}

document.addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail;
  if (isRenewal(ctx) && isBusy()) event.preventDefault();
  const active = document.activeElement;
  const around = ctx.target.contains(active) ? active.closest("[id]") : null;
  const at = around && focusable(around).indexOf(active);
  focused = around && { active, name: nameOf(active), around: around.id, at };
});

// What has the focus keeps it, or is found again by what it says, else by where it was.
function keepFocus(within) {
  const { active, name, around, at } = focused;
  if (active === document.activeElement && nameOf(active) === name) return;
  const near = focusable(document.getElementById(around) ?? within);
  const alike = (other) => other.tagName === active.tagName && nameOf(other) === name;
  const found = near.find(alike) ?? focusable(within).find(alike) ?? near[at] ?? near.at(-1);
  found?.focus({ preventScroll: true });
}

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  htmx.process(ctx.target, true); // an element may lead elsewhere now
  if (!isRenewal(ctx)) {
    for (const form of ctx.target.querySelectorAll("form")) form.reset();
    document.getElementById("said").textContent = ctx.title;
  }
  if (focused) keepFocus(ctx.target);
  if (!isRenewal(ctx)) closeMenus();
  if (ctx.target === list) showList();
  else showView(ctx.title);
});

function showView(title) {
  below = location.pathname + location.search;
  leaveList();
  titleBelow = title;
}

// While one goes back and forth, browsers would take the focus away.
window.navigation?.addEventListener("navigate", (event) => {
  if (event.navigationType !== "traverse" || !event.canIntercept || event.hashChange) return;
  event.intercept({ focusReset: "manual" });
});

document.addEventListener("submit", ({ target }) => {
  if (!target.matches(".colophon form")) return;
  // The foot of the page is older than the view that stands above it.
  target.elements.back.value = location.pathname + location.search;
});

async function offerValues(field) {
  const values = document.getElementById("values");
  values.replaceChildren();
  if (field.value === "props") return;
  const url = new URL(location.href);
  url.pathname = `${field.form.dataset.lists}${field.value}`;
  url.searchParams.set("format", "json");
  const answer = await fetch(url);
  if (!answer.ok) return;
  for (const { dimensions } of (await answer.json()).results.slice(0, 200)) {
    values.append(Object.assign(document.createElement("option"), { value: dimensions[0] }));
  }
}

document.addEventListener("focusin", ({ target }) => {
  const field = target.matches?.("[list=values]") && target.form.elements.field;
  if (field && target.dataset.offers !== field.value) {
    target.dataset.offers = field.value;
    offerValues(field);
  }
});

document.addEventListener("htmx:after:process", () => {
  for (const button of document.querySelectorAll("[data-copies]")) {
    button.hidden = !navigator.clipboard;
  }
});

document.addEventListener("click", async ({ target }) => {
  const source = target.closest?.("[data-copies]")?.dataset.copies;
  if (!source) return;
  await navigator.clipboard.writeText(document.getElementById(source).textContent);
  target.textContent = target.dataset.copied;
});

htmx.initialize(); // at once: it would wait until a click could have gone elsewhere
