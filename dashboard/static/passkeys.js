// Passkeys, which only a script can ask a browser for. Everything else works without.

const toBytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));

const toText = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

async function ask(address, body) {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new Error(said.problem ?? said.error ?? answer.statusText);
  }
  return said;
}

function readable(options) {
  const known = [...(options.excludeCredentials ?? []), ...(options.allowCredentials ?? [])];
  known.forEach((each) => (each.id = toBytes(each.id)));
  options.challenge = toBytes(options.challenge);
  if (options.user) {
    options.user.id = toBytes(options.user.id);
  }
  return { publicKey: options };
}

function sendable(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) {
      response[name] = toText(credential.response[name]);
    }
  }
  return { id: credential.id, rawId: toText(credential.rawId), type: credential.type, response };
}

async function take(form) {
  const fields = Object.fromEntries(new FormData(form));
  const options = readable(await ask(`${form.action}/options`, fields));
  const container = navigator.credentials;
  const credential = await (form.dataset.passkey === "make" ? container.create(options) : container.get(options));
  const { goes_to: next } = await ask(form.action, { ...fields, credential: sendable(credential) });
  location.assign(next);
  if (next.startsWith(location.pathname)) {
    location.reload();
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) {
    continue;
  }
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const problem = form.querySelector("[role=alert]");
    problem.textContent = "";
    try {
      await take(form);
    } catch (error) {
      // Whoever closes the browser's own window knows that they did.
      problem.textContent = error.name === "NotAllowedError" ? form.dataset.refused : error.message;
    }
  });
}
