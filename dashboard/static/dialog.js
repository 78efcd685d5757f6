// A whole list as a dialog over the numbers, loaded when one is first asked for. Its address is that
// of the list's own page, so that it can be kept and sent; going back closes it. What leads to other
// numbers is followed below it.

const dialog = document.getElementById("more");
const list = document.getElementById("more-list");
const heading = document.getElementById("more-title");

let depth = 0; // how many entries of the history belong to the dialog
let titleBelow = document.title;
let turn = new AbortController();

async function parsed(url) {
  turn.abort();
  turn = new AbortController();
  const answer = await fetch(url, { signal: turn.signal });
  const isPage = answer.headers.get("content-type")?.startsWith("text/html");
  if (answer.redirected || !isPage || answer.status >= 500) throw new Error("no list");
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function focusedName() {
  const active = document.activeElement;
  return list.contains(active) ? (active.name || active.textContent) : null;
}

function fill(page) {
  const name = focusedName();
  heading.textContent = page.querySelector("h1").textContent;
  list.replaceChildren(...page.getElementById("list").childNodes);
  document.getElementById("unreached").hidden = true;
  if (name !== null) {
    const alike = [...list.querySelectorAll("a[href], button, summary, input")].find(
      (element) => (element.name || element.textContent) === name,
    );
    (alike ?? dialog).focus();
  }
  if (!dialog.open) {
    titleBelow = document.title;
    dialog.showModal();
  }
  dialog.scrollTop = 0;
  document.title = page.title;
  document.getElementById("said").textContent = page.title;
}

// Shows the list of an address; `isNew` when it is not in the history yet.
export async function show(url, isNew) {
  const waiting = dialog.open ? list : document.querySelector("main");
  waiting.setAttribute("aria-busy", "true");
  try {
    const page = await parsed(url);
    if (isNew) {
      depth += 1;
      history.pushState({ depth }, "", url);
    }
    fill(page);
  } catch (error) {
    if (error instanceof TypeError) {
      dialog.dispatchEvent(new CustomEvent("unreached", { detail: url }));
    } else if (error.name !== "AbortError") location.assign(url);
  } finally {
    waiting.removeAttribute("aria-busy");
  }
}

// Closes the dialog without touching the history, which has gone elsewhere already.
export function leave() {
  depth = 0;
  turn.abort();
  if (dialog.open) dialog.close();
}

dialog.addEventListener("close", () => {
  document.title = titleBelow;
  if (depth) history.go(-depth);
  depth = 0;
});

dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close(); // beside it
  const link = event.target.closest("a[href]");
  const isPlain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button);
  if (!link || !isPlain || event.defaultPrevented || link.target) return;
  const url = new URL(link.href);
  if (url.searchParams.has("format")) return;
  if (url.pathname.startsWith(`${dialog.dataset.home}/by/`)) {
    event.preventDefault();
    show(url, true);
  } else if (url.pathname === dialog.dataset.home) {
    event.preventDefault();
    leave();
    dialog.dispatchEvent(new CustomEvent("elsewhere", { detail: url }));
  }
});

dialog.addEventListener("submit", (event) => {
  if (event.target.method !== "get") return;
  event.preventDefault();
  const url = new URL(location.href);
  url.search = new URLSearchParams(new FormData(event.target));
  show(url, true);
});

// An entry of the history that was reached by going back or forth.
export function returned(state) {
  depth = state?.depth ?? 1;
}
