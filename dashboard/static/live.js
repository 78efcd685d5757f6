// The last half hour as it happens: each event holds what #live is to show. The browser comes
// again by itself when the connection breaks; without events the page renews itself slowly.

const live = document.getElementById("live");
const events = new EventSource(live.dataset.events);
const lost = document.getElementById("connection");

events.addEventListener("open", () => {
  document.querySelector("main").removeAttribute("data-refresh-s");
  lost.hidden = true;
});

events.addEventListener("error", () => {
  lost.hidden = false;
});

events.addEventListener("message", ({ data }) => {
  const page = new DOMParser().parseFromString(JSON.parse(data), "text/html");
  live.replaceChildren(...page.body.childNodes);
});

addEventListener("pagehide", () => events.close());
