// The keyboard, and menus. Which key does what stands in the page: an element with data-key is
// clicked, opened or focused by that key. Without this everything still works by hand.

const KEYED = "[data-key]:not(dialog *)"; // not in a list that is shut
const TYPED = "input:not([type=checkbox]), select, textarea";

function byKey(key) {
  return [...document.querySelectorAll(KEYED)].find((element) => element.dataset.key === key);
}

function open(menu) {
  menu.open = true;
  menu.querySelector("a, select, input:not([type=hidden])")?.focus();
}

function act(element) {
  if (element.matches("summary")) open(element.parentElement);
  else if (element.matches("input")) element.focus();
  else element.click();
}

function closeMenus(but) {
  const opened = [...document.querySelectorAll("details.menu[open]")].filter(
    (menu) => !menu.contains(but),
  );
  for (const menu of opened) {
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    menu.open = false;
  }
  return opened.length > 0;
}

function keyName(key) {
  const escape = document.getElementById("keys").dataset.escape;
  return { ArrowLeft: "←", ArrowRight: "→", Escape: escape }[key] ?? key;
}

function listKeys() {
  const dialog = document.getElementById("keys");
  const list = dialog.querySelector("dl");
  list.replaceChildren();
  for (const element of document.querySelectorAll(KEYED)) {
    const key = document.createElement("dt");
    key.append(Object.assign(document.createElement("kbd"), { textContent: keyName(element.dataset.key) }));
    const what = document.createElement("dd");
    what.textContent = element.dataset.says ?? (element.labels?.[0] ?? element).textContent.trim();
    list.append(key, what);
  }
  dialog.showModal();
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && closeMenus()) return;
  if (event.target.matches?.(TYPED)) return;
  const element = event.key.length === 1 && event.key !== "?" && event.shiftKey ? null : byKey(event.key);
  if (!element) return;
  event.preventDefault();
  act(element);
});

document.addEventListener("click", (event) => {
  closeMenus(event.target);
  if (event.target.closest?.("[data-shows=keys]")) listKeys();
  if (!(event.altKey || event.ctrlKey || event.metaKey || event.shiftKey)) return;
  event.stopPropagation(); // browsers know what it means; htmx 4.0 would keep them from it
  const row = event.altKey && event.target.closest?.("tr")?.querySelector(".acts a");
  if (row && event.target.closest("a.name")) {
    event.preventDefault();
    row.click(); // Alt and a click: all but this one
  }
}, true);

for (const button of document.querySelectorAll("[data-shows]")) button.hidden = false;
