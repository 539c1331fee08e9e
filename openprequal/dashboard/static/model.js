// What is known of the gateway: one snapshot applied after the other. Draws nothing.

const WINDOW_S = 10; // over which shares of picks are taken
const GONE_S = 60; // for which a backend that has left is still shown
const KEPT_SAMPLES = 150;
const KEPT_EVENTS = 200;

/** Conditions, those that somebody should look at first. */
export const SEVERITY = ["gone", "down", "ejected", "panic", "draining", "unchecked", "standby", "up"];

/** In the order in which the stream has them behind a backend's number. */
const LOAD = ["in_flight", "picks", "average_latency", "rif", "latency", "state", "load_source", "reported_at"];
const SAMPLE = ["number", "at", "seconds", "requests", "errors", "retries", "p50", "p90", "p99"];

function named(names, values) {
  return Object.fromEntries(names.map((name, index) => [name, values[index]]));
}

/** Counts that were noted over the last seconds, to tell how fast they grow. */
class Growth {
  #noted = [];

  note(now, value) {
    this.#noted.push([now, value]);
    while (this.#noted.length > 2 && this.#noted[1][0] <= now - WINDOW_S) this.#noted.shift();
  }

  get value() {
    const noted = this.#noted;
    return noted.length < 2 ? 0 : noted[noted.length - 1][1] - noted[0][1];
  }
}

export class Model {
  constructor() {
    this.reset();
  }

  /** Forget all: another stream begins. */
  reset() {
    this.about = { balancers: [], own_origin: false, version: "" };
    this.now = 0;
    this.backends = new Map();
    this.services = new Map();
    this.events = [];
    this.newEvents = [];
  }

  /** Apply one snapshot. */
  apply(snapshot) {
    this.now = snapshot.now;
    if (snapshot.full) this.backends.clear();
    for (const [number, who] of Object.entries(snapshot.who)) {
      const known = this.backends.get(Number(number));
      if (known) Object.assign(known, who);
      else this.#joined(Number(number), who);
    }
    for (const [number, ...values] of snapshot.load) Object.assign(this.backends.get(number), named(LOAD, values));
    for (const number of snapshot.gone) this.#left(this.backends.get(number));
    this.#applyServices(snapshot);
    this.#applyEvents(snapshot);
    this.#takeShares();
  }

  /** The backends of a service; null: of all. */
  of(service) {
    const all = [...this.backends.values()];
    return service === null ? all : all.filter((backend) => backend.service === service);
  }

  /** The seconds a backend has been what it is. */
  sinceSeconds(backend) {
    return this.now - backend.since;
  }

  /** The age of a backend's last report; null: there was none. */
  reportAge(backend) {
    return backend.reported_at === null ? null : Math.max(0, this.now - backend.reported_at);
  }

  #joined(number, who) {
    for (const other of this.backends.values()) {
      if (other.condition === "gone" && other.url === who.url && other.service === who.service) {
        this.backends.delete(other.number); // it is back
      }
    }
    this.backends.set(number, { number, growth: new Growth(), ...who });
  }

  #left(backend) {
    if (!backend) return;
    Object.assign(backend, { condition: "gone", up: false, since: this.now, in_flight: 0 });
    // Its registration may have ended in the same second in which its event is told.
    const told = this.events.find((event) => event.kind === "left" && event.backend === backend.url);
    if (told) backend.reason = told.message;
  }

  #applyServices(snapshot) {
    for (const name of this.services.keys()) if (!(name in snapshot.services)) this.services.delete(name);
    for (const [name, service] of Object.entries(snapshot.services)) {
      const known = this.services.get(name) ?? { samples: [], reasons: new Map() };
      if (snapshot.full) known.samples = [];
      const last = known.samples.length ? known.samples[known.samples.length - 1].number : 0;
      const samples = (snapshot.history[name] ?? []).map((values) => named(SAMPLE, values));
      known.samples = [...known.samples, ...samples.filter((sample) => sample.number > last)].slice(-KEPT_SAMPLES);
      for (const [reason, picks] of Object.entries(service.picks)) {
        if (!known.reasons.has(reason)) known.reasons.set(reason, new Growth());
        known.reasons.get(reason).note(snapshot.now, picks);
      }
      this.services.set(name, { ...service, samples: known.samples, reasons: known.reasons });
    }
  }

  #applyEvents(snapshot) {
    const last = this.events.length ? this.events[0].n : 0;
    const news = snapshot.events.filter((event) => event.n > last || snapshot.full);
    this.newEvents = snapshot.full ? [] : news;
    const before = snapshot.full ? [] : this.events;
    this.events = [...news.reverse(), ...before].slice(0, KEPT_EVENTS);
    for (const event of this.newEvents) {
      if (event.kind !== "left") continue;
      for (const backend of this.backends.values()) {
        if (backend.url === event.backend && backend.condition === "gone") backend.reason = event.message;
      }
    }
  }

  #takeShares() {
    const totals = new Map();
    for (const backend of this.backends.values()) {
      if (backend.condition === "gone") {
        backend.share = null;
        if (this.sinceSeconds(backend) > GONE_S) this.backends.delete(backend.number);
      } else {
        backend.growth.note(this.now, backend.picks);
        totals.set(backend.service, (totals.get(backend.service) ?? 0) + backend.growth.value);
      }
    }
    for (const backend of this.backends.values()) {
      const total = totals.get(backend.service);
      if (backend.condition !== "gone") backend.share = total ? backend.growth.value / total : null;
    }
  }
}

/** What a service's samples of the last seconds come to. */
export function lately(samples, seconds = WINDOW_S) {
  const sum = { seconds: 0, requests: 0, errors: 0, retries: 0, p50: null, p99: null };
  for (let index = samples.length - 1; index >= 0 && sum.seconds < seconds; index--) {
    for (const name of ["seconds", "requests", "errors", "retries"]) sum[name] += samples[index][name];
    sum.p50 ??= samples[index].p50;
    sum.p99 ??= samples[index].p99;
  }
  return sum;
}
