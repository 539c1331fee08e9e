// The dashboard put together: what comes in, what is drawn of it, what is asked.

import { BackendTable } from "./backend_table.js";
import { byId, element, fillTable, setAttribute, setText } from "./dom.js";
import { lately, Model } from "./model.js";
import { askForToken, order, token } from "./orders.js";
import { drawLines, drawPool, thetaText } from "./plots.js";
import { Stream } from "./stream.js";
import { count, latency, percent, rate, roundLatency } from "./units.js";

const HISTORY_S = 300;
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
      connection("live", "live");
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
  drawTiles(shown);
  drawHistory(shown.samples);
  drawPoolOf(shown);
  table.draw(model, service);
  drawEvents();
  showBalancer(shown);
}

function drawTiles(shown) {
  const sum = lately(shown.samples);
  const backends = model.of(service).filter((backend) => backend.condition !== "gone");
  const serving = backends.filter((backend) => backend.up).length;
  const inFlight = backends.reduce((total, backend) => total + (backend.in_flight ?? 0), 0);
  const tiles = [
    ["Backends", `${count(serving)} of ${count(backends.length)}`, serving < backends.length ? "warn" : ""],
    ["Requests", `${rate(sum.requests / (sum.seconds || 1))} /s`, ""],
    ["Errors", sum.requests ? percent(sum.errors / sum.requests) : "–", sum.errors ? "bad" : ""],
    ["Retries", `${rate(sum.retries / (sum.seconds || 1))} /s`, sum.retries ? "warn" : ""],
    ["p50", latency(sum.p50), ""],
    ["p99", latency(sum.p99), ""],
    ["In flight", count(inFlight) + (shown.limit === null ? "" : ` of ${count(shown.limit)}`), ""],
    ["Queued", count(shown.queued), shown.queued ? "warn" : ""],
  ];
  if (shown.panic) tiles.unshift(["Panic", "ejected ones are used", "bad"]);
  const list = byId("tiles");
  while (list.children.length > tiles.length) list.lastElementChild.remove();
  tiles.forEach(([name, text, kind], index) => {
    const tile = list.children[index] ?? list.appendChild(element("div", {}, element("dt"), element("dd")));
    setText(tile.firstElementChild, name);
    setText(tile.lastElementChild, text);
    setAttribute(tile, "class", kind || null);
  });
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
  if (several) drawServiceTable(names);
}

function drawServiceTable(names) {
  const rows = names.map((name) => {
    const each = model.services.get(name);
    const sum = lately(each.samples);
    const backends = model.of(name).filter((backend) => backend.condition !== "gone");
    const up = `${count(backends.filter((backend) => backend.up).length)} of ${count(backends.length)}`;
    const errors = sum.requests ? percent(sum.errors / sum.requests) : "–";
    return [
      each.panic ? `${name} (panic)` : name, up, rate(sum.requests / (sum.seconds || 1)), errors,
      latency(sum.p50), latency(sum.p99), count(each.queued), each.balancer,
    ];
  });
  const headers = ["Service", "Backends", "Requests /s", "Errors", "p50", "p99", "Queued", "Balancer"];
  fillTable(byId("services"), "Services and what they do now", headers, rows);
}

function drawHistory(samples) {
  const at = (sample) => sample.at - model.now;
  const minutes = samples.filter((sample) => at(sample) > -HISTORY_S);
  const line = (name, kind, of) => ({ name, kind, points: minutes.map((sample) => [at(sample), of(sample)]) });
  const now = lately(samples);
  const perSecond = now.requests / (now.seconds || 1);
  drawLines(
    byId("rate-plot"),
    `Requests over the last five minutes, now ${rate(perSecond)} a second, ${count(now.errors)} errors in ten seconds`,
    [
      line("all", "requests", (sample) => sample.requests / sample.seconds),
      line("retries", "retries", (sample) => (sample.retries ? sample.retries / sample.seconds : null)),
      line("errors", "errors", (sample) => (sample.errors ? sample.errors / sample.seconds : null)),
    ],
    HISTORY_S,
    rate,
  );
  drawLines(
    byId("latency-plot"),
    `Latency over the last five minutes, now p50 ${latency(now.p50)}, p99 ${latency(now.p99)}`,
    [
      line("p50", "p50", (sample) => sample.p50),
      line("p90", "p90", (sample) => sample.p90),
      line("p99", "p99", (sample) => sample.p99),
    ],
    HISTORY_S,
    roundLatency,
    true,
  );
  if (byId("numbers").open) {
    fillTable(
      byId("history-table"),
      "Requests and latency",
      ["Seconds ago", "Requests /s", "Errors", "Retries", "p50", "p90", "p99"],
      minutes.slice(-30).reverse().map((sample) => [
        count(Math.round(-at(sample))), rate(sample.requests / sample.seconds), count(sample.errors),
        count(sample.retries), latency(sample.p50), latency(sample.p90), latency(sample.p99),
      ]),
    );
  }
}

function drawPoolOf(shown) {
  const reasons = [...shown.reasons].map(([reason, growth]) => [reason, growth.value]).filter(([, picks]) => picks > 0);
  const total = reasons.reduce((sum, [, picks]) => sum + picks, 0);
  const told = reasons.sort((one, other) => other[1] - one[1]).map(([reason, picks]) => `${reason} ${percent(picks / total)}`);
  setText(byId("reasons"), told.length ? `Picks in 10 s (the halos): ${told.join(", ")}` : "No picks in the last 10 s.");
  const pool = shown.pool;
  if (pool === null) {
    setText(byId("pool-unit"), `${shown.balancer} keeps none`);
    byId("pool-plot").replaceChildren();
    fillTable(byId("pool-table"), "Probe pool", ["Backend"], []);
    return;
  }
  const loads = pool.loads.map(([number, rif, seconds, hot, held]) => {
    const backend = model.backends.get(number);
    const name = backend ? backend.url : "a backend that has left";
    return { name, rif, latency: seconds, hot, held, share: backend?.share ?? 0, picked: number === pool.picked };
  });
  const hot = loads.filter((load) => load.hot).length;
  const held = loads.filter((load) => load.held).length;
  const cold = loads.length - hot - held;
  setText(
    byId("pool-unit"),
    `● ${cold} cold ▲ ${hot} hot${held ? ` ✕ ${held} held back` : ""} ◯ next pick`,
  );
  const theta = thetaText(pool.threshold, count);
  drawPool(
    byId("pool-plot"), `Probe pool, RIF by latency: ${cold} cold, ${hot} hot, ${theta}`,
    loads, pool.threshold, count, roundLatency,
  );
  if (byId("numbers").open) {
    fillTable(
      byId("pool-table"), `Probe pool, ${theta}`, ["Backend", "RIF", "Latency", "Kind", "Share of picks"],
      loads.map((load) => [
        load.name, count(load.rif), latency(load.latency),
        (load.held ? "held back" : load.hot ? "hot" : "cold") + (load.picked ? ", next pick" : ""), percent(load.share),
      ]),
    );
  }
}

let drawnEvent = 0;

function drawEvents() {
  const last = model.events.length ? model.events[0].n : 0;
  if (last === drawnEvent && last !== 0) return;
  drawnEvent = last;
  const target = byId("event-table");
  const rows = model.events.map((event) => {
    const at = new Date(event.at);
    const time = element("time", { datetime: event.at }, at.toLocaleTimeString("en-GB"));
    const who = event.backend ? event.backend.replace(/^http:\/\//, "") : (event.service ?? "");
    return element(
      "tr", {}, element("td", {}, time), element("td", { class: `kind ${event.kind.replace(" ", "-")}` }, event.kind),
      element("td", {}, who), element("td", {}, event.message),
    );
  });
  const headers = ["Time", "What", "Who", "Why"].map((name) => element("th", { scope: "col" }, name));
  target.replaceChildren(
    element("caption", { class: "hidden" }, "Events, the latest first"),
    element("thead", {}, element("tr", {}, ...headers)), element("tbody", {}, ...rows),
  );
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
