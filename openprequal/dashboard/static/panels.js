// What does each part of the page show of a service?

import { byId, element, fillTable, setAttribute, setText } from "./dom.js";
import { lately } from "./model.js";
import { drawLines, drawPool, thetaText } from "./plots.js";
import { count, latency, percent, rate, roundLatency } from "./units.js";

const HISTORY_S = 300;

/** The large figures: of a service, with its backends. */
export function drawTiles(shown, all) {
  const sum = lately(shown.samples);
  const backends = all.filter((backend) => backend.condition !== "gone");
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

/** A line for each service. */
export function drawServiceTable(model) {
  const rows = [...model.services].map(([name, each]) => {
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

/** Requests and latency over the last minutes. */
export function drawHistory(samples, nowS) {
  const at = (sample) => sample.at - nowS;
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

/** The probe pool of a service, and why its picks fell as they did; backends: by their numbers. */
export function drawPoolOf(shown, backends) {
  const reasons = [...shown.reasons].map(([reason, growth]) => [reason, growth.value]).filter(([, picks]) => picks > 0);
  const total = reasons.reduce((sum, [, picks]) => sum + picks, 0);
  reasons.sort((one, other) => other[1] - one[1]);
  const told = reasons.map(([reason, picks]) => `${reason} ${percent(picks / total)}`).join(", ");
  setText(byId("reasons"), told ? `Picks in 10 s (the halos): ${told}` : "No picks in the last 10 s.");
  const pool = shown.pool;
  if (pool === null) {
    setText(byId("pool-unit"), `${shown.balancer} keeps none`);
    byId("pool-plot").replaceChildren();
    fillTable(byId("pool-table"), "Probe pool", ["Backend"], []);
    return;
  }
  const loads = pool.loads.map(([number, rif, seconds, hot, held]) => {
    const backend = backends.get(number);
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

/** What happened, the latest first. */
export function drawEvents(events) {
  const last = events.length ? events[0].n : 0;
  if (last === drawnEvent && last !== 0) return;
  drawnEvent = last;
  const target = byId("event-table");
  const rows = events.map((event) => {
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
