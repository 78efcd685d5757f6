// The last half hour as it happens: each event holds what #live is to show. The browser comes
// again by itself when the connection breaks. Where it was refused instead, or there is none, the
// page renews itself slowly, and with each time asks for events again.

const refreshS = document.querySelector("main").dataset.refreshS;

let events;

function lost(isSo) {
  document.getElementById("connection").hidden = !isSo;
}

function listen() {
  events = new EventSource(document.getElementById("live").dataset.events);

  events.addEventListener("open", () => {
    document.querySelector("main").removeAttribute("data-refresh-s");
    lost(false);
  });

  events.addEventListener("error", () => {
    lost(true);
    if (events.readyState === EventSource.CLOSED) {
      document.querySelector("main").dataset.refreshS = refreshS;
    }
  });

  events.addEventListener("message", ({ data }) => {
    const page = new DOMParser().parseFromString(JSON.parse(data), "text/html");
    document.getElementById("live").replaceChildren(...page.body.childNodes);
  });
}

document.addEventListener("answered", () => {
  if (events.readyState === EventSource.CLOSED) listen();
});
addEventListener("pagehide", () => events.close());
addEventListener("pageshow", ({ persisted }) => persisted && listen());
listen();
