// The browser's half of gatecount: pageviews, engagement and custom events, and nothing else.
//
// It stores nothing, sets no cookie, knows no identifier and prints nothing. Whoever objects
// (opt-out cookie, Global Privacy Control, Do Not Track) sends nothing. Nothing here may throw into
// the page or hold it up. README.md beside this file says what goes over the wire, and why.

try {
  const script = document.currentScript;
  const early = window.gatecount; // the page's stub, or this script when it is included twice
  const queue = early?.q || []; // calls that came before the page's first pageview

  let page; // address of the page being counted, without its fragment
  let path; // its path: another path is another page
  let since; // when the visitor last turned to the page (ms); false while turned away
  let engaged; // ms of attention that have not been sent yet
  let deepest; // lowest point seen, in CSS pixels from the top
  let reported; // deepest scroll already sent, in per cent

  // The cookie's name is matched whole, and its presence alone counts. Where cookies cannot be
  // read this throws, and so nothing is sent.
  const objects = () =>
    navigator.globalPrivacyControl ||
    /1|yes/.test(navigator.doNotTrack) ||
    /(^|; )(__Host-)?gatecount-optout=/.test(document.cookie);

  // Sends one event, and is what the page calls as gatecount(name, props, more). sendBeacon
  // outlives the page and takes cookies along; a string goes as text/plain, without a preflight.
  const count = (n, p, more) => {
    try {
      if (!objects()) {
        if (page)
          navigator.sendBeacon(
            new URL("api/event", script.src),
            JSON.stringify({
              n,
              p,
              u: page,
              d: script.dataset.domain,
              s: ["xs", "sm", "md"][innerWidth >> 9] || "lg", // steps of 512 CSS pixels
              ...more,
            }),
          );
        else queue.push([n, p, more]);
      }
    } catch {}
  };

  // Looks at the page afresh. Every event that could matter comes here, so that the order in which
  // browsers fire them does not matter.
  const update = (event) => {
    try {
      const now = performance.now(); // the wall clock may be set back
      const left = event.persisted || path != location.pathname; // restored, or another page

      if (since) {
        engaged += now - since;
        deepest = Math.max(deepest, scrollY + innerHeight);
      }
      since = !document.hidden && document.hasFocus() && now;

      if (left || !since) {
        const height = document.documentElement.scrollHeight;
        const sd = Math.min(100, ((100 * deepest) / height + 0.5) | 0); // 0 / 0 | 0 is 0
        if (engaged > 999 || sd > reported) {
          count("engagement", undefined, { sd, e: engaged | 0 });
          engaged = 0;
          reported = sd;
        }
      }

      // A prerendered page comes here again when it is shown.
      if (left && !document.prerendering) {
        engaged = deepest = reported = 0;
        page = /[^#]{1,2000}/.exec(location)[0]; // the collector takes no longer one
        count("pageview", undefined, !path && { r: document.referrer });
        path = location.pathname;
        queue.splice(0).map((call) => count(...call));
      }
    } catch {}
  };

  if (!early?.on) {
    window.gatecount = count;
    count.on = 1;

    if (!objects()) {
      ["pushState", "replaceState"].map((method) => {
        const original = history[method];
        history[method] = (...args) => {
          const result = original.apply(history, args);
          update(0);
          return result;
        };
      });
      // Capturing (`true`), because prerenderingchange does not bubble from the document.
      [
        "prerenderingchange",
        "visibilitychange",
        "pageshow",
        "popstate",
        "focus",
        "blur",
        "scroll",
      ].map((type) => addEventListener(type, update, true));
      update(0);
    }
  }
} catch {}
