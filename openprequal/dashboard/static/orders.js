// What may be asked of the gateway, and with which token?

import { byId, setText } from "./dom.js";

const KEPT = "openprequal.token";

/** The token: in memory, and kept for this tab only where no backend's page has our origin. */
class Token {
  value = "";
  mayKeep = false;

  constructor() {
    // The gateway's log of a demonstration has it in a link; the address that is shown does not keep it.
    const told = new URLSearchParams(location.hash.slice(1)).get("token");
    if (told) history.replaceState(null, "", location.pathname);
    try {
      this.value = told ?? sessionStorage.getItem(KEPT) ?? "";
    } catch {
      this.value = told ?? "";
    }
  }

  set(value) {
    this.value = value;
    this.#keep();
  }

  /** Told what the gateway says of its origin. */
  allowKeeping(mayKeep) {
    this.mayKeep = mayKeep;
    this.#keep();
  }

  #keep() {
    try {
      if (this.mayKeep && this.value) sessionStorage.setItem(KEPT, this.value);
      else sessionStorage.removeItem(KEPT);
    } catch {
      // The browser keeps nothing: then it is asked for again.
    }
  }

  get headers() {
    return this.value ? { Authorization: `Bearer ${this.value}` } : {};
  }
}

export const token = new Token();

/** Ask for a token; true: there is one to be tried. */
export function askForToken(why) {
  const dialog = byId("token-dialog");
  const input = byId("token");
  setText(byId("token-why"), why);
  setText(
    byId("token-note"),
    token.mayKeep
      ? "Kept in this tab until it is closed."
      : "Not kept: pages of backends have the same origin as this one, and could read it.",
  );
  if (dialog.open) return Promise.resolve(false);
  input.value = "";
  dialog.returnValue = "cancel";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        const use = dialog.returnValue === "use" && input.value.trim() !== "";
        if (use) token.set(input.value.trim());
        input.value = "";
        resolve(use);
      },
      { once: true },
    );
  });
}

/** POST to the gateway; the answer, or an Error that says why not. Asks for a token if one is needed. */
export async function order(name, body) {
  for (;;) {
    const response = await fetch(name, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...token.headers },
      body: JSON.stringify(body),
      cache: "no-store",
    });
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    const why = answer.detail ?? `the gateway answers ${response.status}`;
    if (response.status !== 403 || !(await askForToken(`To change anything: ${why}.`))) throw new Error(why);
  }
}
