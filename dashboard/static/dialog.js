// A whole list is shown over the page that leads to it, as a dialog; by itself it is a page like
// others. Its address is that of its own page, so that it can be kept and sent; going back closes
// it. What leads to other numbers is followed below it.

const more = document.getElementById("more"); // not on every page
const list = document.getElementById("more-list");
const LIST = {
  target: list,
  select: "#list",
  selectOOB: "h1:textContent:#more-title",
  swap: "innerMorph strip:true show:none",
};

let depth = 0; // how many entries of the history belong to the dialog
let titleBelow = document.title;

function isList(url) {
  return more !== null && url.origin === location.origin && url.pathname.startsWith(`${OWN}/by/`);
}

function showList() {
  if (!more.open) more.showModal();
  more.scrollTop = 0;
}

// Closes the dialog without touching the history, which has gone elsewhere already.
function leaveList() {
  depth = 0;
  if (more?.open) more.close();
}

document.addEventListener("htmx:after:history:push", () => {
  if (!isList(location)) return;
  depth += 1;
  history.replaceState({ ...history.state, depth }, "");
});

document.addEventListener("htmx:before:history:restore", (event) => {
  running?.request.abort();
  if (isList(location)) {
    depth = history.state.depth ?? 1;
    return;
  }
  leaveList();
  if (event.detail.path !== below) return;
  event.preventDefault();
  document.title = titleBelow;
});

more?.addEventListener("close", () => {
  if (depth) history.go(-depth);
  depth = 0;
});

more?.addEventListener("click", ({ target }) => {
  if (target === more) more.close(); // beside it
});
