// The dashboard put together: what comes in, what is drawn of it, what is asked.

import { BackendTable } from "./backend_table.js";
import { byId, element, setAttribute, setText } from "./dom.js";
import { Model } from "./model.js";
import { askForToken, order, token } from "./orders.js";
import { drawEvents, drawHistory, drawPoolOf, drawServiceTable, drawTiles } from "./panels.js";
import { Stream } from "./stream.js";

const QUIET_MS = 4000; // between two things that are said to a screen reader
const SAID_MS = 8000;
const TELLING = new Set(["down", "ejected", "panic", "left", "drained"]);

const model = new Model();
let service = "default";
let known = false; // something has come
let lastSaidMs = 0;

// ---- what comes in ------------------------------------------------------------------------------------------------

const stream = new Stream("stream", () => token.headers, {
  event(name, data) {
    if (name === "hello") {
      model.reset();
      model.about = data;
      token.allowKeeping(data.own_origin);
      setText(byId("version"), data.version);
      byId("balancer-names").replaceChildren(...data.balancers.map((each) => element("option", { value: each })));
      const part = data.workers > 1 ? `: what worker ${data.worker} of ${data.workers} sees` : "";
      connection("live", `live${part}`);
    } else if (name === "snapshot") {
      known = true;
      model.apply(data);
      draw();
      tellEvents();
    }
  },
  async state(name, why) {
    connection(name, name === "lost" ? `not connected: ${why}` : why);
    if (name === "refused" && (await askForToken(`To look: ${why}.`))) stream.start();
  },
});

function connection(state, text) {
  setAttribute(byId("connection"), "data-state", state);
  setText(byId("connection"), text);
  setAttribute(document.body, "data-stale", state !== "live" && known);
}

function say(text, always = true) {
  const nowMs = Date.now();
  if (!always && nowMs - lastSaidMs < QUIET_MS) return;
  lastSaidMs = nowMs;
  setText(byId("said"), text);
  setTimeout(() => lastSaidMs === nowMs && setText(byId("said"), ""), SAID_MS);
}

function tellEvents() {
  const news = model.newEvents.filter((event) => TELLING.has(event.kind));
  const event = news[0];
  if (event) say(`${event.backend ?? event.service ?? ""} ${event.kind}: ${event.message}`, false);
}

// ---- what is drawn ------------------------------------------------------------------------------------------------

const table = new BackendTable(ask, draw);

function draw() {
  if (!model.services.has(service)) service = model.services.keys().next().value ?? "default";
  drawServices();
  const shown = model.services.get(service);
  if (!shown) return;
  drawTiles(shown, model.of(service));
  drawHistory(shown.samples, model.now);
  drawPoolOf(shown, model.backends);
  table.draw(model, service);
  drawEvents(model.events);
  showBalancer(shown);
}

function drawServices() {
  const names = [...model.services.keys()];
  const several = names.length > 1;
  setAttribute(byId("service-label"), "hidden", !several);
  setAttribute(byId("services-section"), "hidden", !several);
  const select = byId("service");
  if (names.join("\n") !== [...select.options].map((option) => option.value).join("\n")) {
    select.replaceChildren(...names.map((name) => element("option", { value: name }, name)));
  }
  if (select.value !== service) select.value = service;
  if (several) drawServiceTable(model);
}

// ---- what is asked ------------------------------------------------------------------------------------------------

async function ask(name, backend) {
  try {
    const answer = await order(name, { url: backend.url, service: backend.service });
    say(`${answer.url}: ${answer.state}, ${answer.reason}`);
  } catch (error) {
    say(`${backend.url} was not changed: ${error.message}`);
  }
}

let inForce = "";

function showBalancer(shown) {
  const now = JSON.stringify([service, shown.balancer, shown.parameters, shown.by]);
  if (now === inForce) return;
  inForce = now;
  byId("balancer-name").value = shown.balancer;
  byId("parameters").value = JSON.stringify(shown.parameters, null, 1);
  const by = shown.by === null ? "As the settings say." : `As ${shown.by} wanted it.`;
  setText(byId("balancer-note"), `${by} A change holds at once, and until the settings are read again.`);
}

byId("balancer").addEventListener("reset", (event) => {
  event.preventDefault();
  inForce = "";
  setText(byId("balancer-error"), "");
  draw();
});

byId("balancer").addEventListener("submit", async (event) => {
  event.preventDefault();
  setText(byId("balancer-error"), "");
  try {
    const parameters = JSON.parse(byId("parameters").value || "{}");
    const answer = await order("balancer", { service, balancer: byId("balancer-name").value.trim(), parameters });
    say(`${answer.service} balances by ${answer.balancer} now`);
  } catch (error) {
    setText(byId("balancer-error"), error.message);
  }
});

byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  byId("token-dialog").close(event.submitter?.value ?? "use");
});

byId("token-button").addEventListener("click", async () => {
  if (await askForToken("Sent with all that this page asks for.")) stream.start();
});

byId("service").addEventListener("change", () => {
  service = byId("service").value;
  draw();
});

byId("numbers").addEventListener("toggle", () => draw());

const theme = byId("theme");
theme.addEventListener("change", () => {
  setAttribute(document.documentElement, "data-theme", theme.value || null);
  try {
    localStorage.setItem("openprequal.theme", theme.value);
  } catch {
    // It is as the system has it the next time.
  }
});
try {
  theme.value = localStorage.getItem("openprequal.theme") ?? "";
} catch {
  theme.value = "";
}
setAttribute(document.documentElement, "data-theme", theme.value || null);

addEventListener("resize", () => draw());
document.addEventListener("keydown", (event) => {
  const writing = event.target.matches("input, textarea, select");
  if (event.key === "/" && !writing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    byId("filter").focus();
  }
});

// Who does not look costs the gateway nothing.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    stream.stop();
    connection("resting", "resting");
  } else {
    stream.start();
  }
});
stream.start();
