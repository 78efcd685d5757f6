// The last half hour as it happens: each event holds what #live is to show. The browser comes
// again by itself when the connection breaks. Where it was refused instead, or there is none, the
// page renews itself slowly, and with each time asks for events again. htmx has an extension for
// events, which would be more to load and still not know of either.

const live = document.getElementById("live");

let events;

function lost(isSo) {
  document.getElementById("connection").hidden = !isSo;
}

function listen() {
  events = new EventSource(live.dataset.events);

  events.addEventListener("open", () => {
    live.dataset.flows = "yes";
    lost(false);
  });

  events.addEventListener("error", () => {
    lost(true);
    if (events.readyState === EventSource.CLOSED) delete live.dataset.flows;
  });

  events.addEventListener("message", ({ data }) => {
    const page = new DOMParser().parseFromString(JSON.parse(data), "text/html");
    live.replaceChildren(...page.body.childNodes);
  });
}

document.addEventListener("htmx:after:request", () => {
  if (events.readyState === EventSource.CLOSED) listen();
});
addEventListener("pagehide", () => events.close());
addEventListener("pageshow", ({ persisted }) => persisted && listen());
listen();
