// The table of backends: sick ones first, one page of them at a time, rows that stay the same elements.

import { byId, element, setAttribute, setText } from "./dom.js";
import { SEVERITY } from "./model.js";
import { age, count, latency, percent } from "./units.js";

const PAGE = 50;
const GLYPHS = {
  up: "●", standby: "◐", unchecked: "○", draining: "◒", panic: "▲", ejected: "▲", down: "✕", gone: "✕",
};

const address = (backend) => backend.url.replace(/^http:\/\//, "");
const severity = (backend) => SEVERITY.indexOf(backend.condition ?? "gone");

/** name: for the header; sort: what it is sorted by; down: the greatest first; text: what is shown. */
const COLUMNS = [
  { name: "State", sort: severity, fill: fillState },
  { name: "Backend", sort: address, fill: (cell, backend) => setText(cell, address(backend)), header: true },
  { name: "Since", number: true, sort: (one) => -one.since, text: (one, model) => age(model.sinceSeconds(one)) },
  { name: "Why", fill: fillReason, sort: (one) => one.reason },
  { name: "In flight", number: true, down: true, sort: (one) => one.in_flight, text: (one) => count(one.in_flight) },
  { name: "RIF", number: true, down: true, sort: (one) => one.rif, text: (one) => count(one.rif) },
  { name: "Latency", number: true, down: true, sort: (one) => one.latency, text: (one) => latency(one.latency) },
  {
    name: "Measured", number: true, down: true,
    sort: (one) => one.average_latency, text: (one) => latency(one.average_latency),
  },
  { name: "Share of picks", down: true, sort: (one) => one.share, fill: fillShare },
  { name: "Load from", sort: (one) => one.load_source, text: (one) => one.load_source },
  { name: "Age", number: true, down: true, sort: ageOf, text: (one, model) => age(ageOf(one, model)) },
];

function ageOf(backend, model) {
  return model.reportAge(backend);
}

function fillState(cell, backend) {
  const condition = backend.condition ?? "gone";
  setAttribute(cell, "class", `state ${condition}`);
  const warming = condition === "up" && backend.state === "warming" ? ", warming" : "";
  setText(cell, `${GLYPHS[condition] ?? "?"} ${condition}${warming}`);
}

function fillReason(cell, backend) {
  setAttribute(cell, "class", "reason");
  setAttribute(cell, "title", backend.reason);
  setText(cell, backend.reason);
}

function fillShare(cell, backend) {
  if (!cell.firstElementChild) {
    cell.className = "share";
    cell.append(element("span", { class: "track", "aria-hidden": "true" }, element("span", {})), element("span", {}));
  }
  cell.firstElementChild.firstElementChild.style.width = `${Math.round((backend.share ?? 0) * 1000) / 10}%`;
  setText(cell.lastElementChild, percent(backend.share));
}

function compare(one, other) {
  if (one === other) return 0;
  if (one === null || one === undefined) return 1;
  if (other === null || other === undefined) return -1;
  if (typeof one === "string") return one.localeCompare(other, "en", { numeric: true });
  return one - other;
}

export class BackendTable {
  #rows = new Map();
  #sorted = COLUMNS[0];
  #backwards = false;
  #page = 0;
  #drawn = () => {};

  /** order: (name, backend) for what a button asks. */
  constructor(order, redraw) {
    this.order = order;
    this.#drawn = redraw;
    this.#head();
    byId("filter").addEventListener("input", () => this.#turn(0));
    byId("previous").addEventListener("click", () => this.#turn(this.#page - 1));
    byId("next").addEventListener("click", () => this.#turn(this.#page + 1));
  }

  draw(model, service) {
    const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    const all = model.of(service);
    const found = all.filter((backend) => {
      const text = `${backend.url} ${backend.condition} ${backend.reason} ${backend.zone ?? ""} ${backend.load_source}`;
      return words.every((word) => text.toLowerCase().includes(word));
    });
    const { sort } = this.#sorted;
    const direction = this.#backwards ? -1 : 1;
    found.sort(
      (one, other) =>
        direction * compare(sort(one, model), sort(other, model)) ||
        severity(one) - severity(other) ||
        compare(address(one), address(other)),
    );
    this.#page = Math.max(0, Math.min(this.#page, Math.ceil(found.length / PAGE) - 1));
    const shown = found.slice(this.#page * PAGE, (this.#page + 1) * PAGE);
    this.#fill(shown, model);
    this.#say(found.length, all.length, shown.length);
  }

  #say(found, all, shown) {
    const first = this.#page * PAGE + 1;
    const which = found > shown ? `${first}–${first + shown - 1} of ${count(found)}` : count(found);
    setText(byId("shown"), found < all ? `${which} found, of ${count(all)}` : `${which} in this service`);
    setAttribute(byId("previous"), "disabled", this.#page === 0);
    setAttribute(byId("next"), "disabled", first + shown > found);
    setAttribute(byId("previous"), "hidden", found <= PAGE);
    setAttribute(byId("next"), "hidden", found <= PAGE);
  }

  #turn(page) {
    this.#page = page;
    this.#drawn();
  }

  #head() {
    const cells = COLUMNS.map((column) => {
      const button = element("button", { type: "button" }, column.name);
      button.addEventListener("click", () => {
        this.#backwards = this.#sorted === column ? !this.#backwards : Boolean(column.down);
        this.#sorted = column;
        for (const each of cells) setAttribute(each, "aria-sort", null);
        setAttribute(cell, "aria-sort", this.#backwards ? "descending" : "ascending");
        this.#turn(0);
      });
      const cell = element("th", { scope: "col", class: column.number ? "number" : null }, button);
      return cell;
    });
    setAttribute(cells[0], "aria-sort", "ascending");
    byId("backend-table").append(
      element("caption", { class: "hidden" }, "Backends of the service, those that need a look first"),
      element("thead", {}, element("tr", {}, ...cells, element("th", { scope: "col" }, "Change"))),
      element("tbody"),
    );
  }

  #fill(backends, model) {
    const body = byId("backend-table").tBodies[0];
    const rows = backends.map((backend) => this.#row(backend, model));
    const shown = new Set(backends.map((backend) => backend.number));
    for (const number of this.#rows.keys()) if (!shown.has(number)) this.#rows.delete(number);
    if (rows.length === body.children.length && rows.every((row, index) => row === body.children[index])) return;
    // A row that moves keeps the focus that was in it.
    const focused = body.contains(document.activeElement) ? document.activeElement : null;
    body.replaceChildren(...rows);
    if (focused && body.contains(focused)) focused.focus({ preventScroll: true });
  }

  #row(backend, model) {
    let row = this.#rows.get(backend.number);
    if (!row) {
      row = element("tr", {}, ...COLUMNS.map(({ header, number }) =>
        element(header ? "th" : "td", { scope: header ? "row" : null, class: number ? "number" : null })));
      row.append(element("td", { class: "orders" }, this.#button(), this.#button()));
      this.#rows.set(backend.number, row);
    }
    setAttribute(row, "class", backend.condition === "gone" ? "gone" : null);
    COLUMNS.forEach((column, index) => {
      if (column.fill) column.fill(row.cells[index], backend);
      else setText(row.cells[index], column.text(backend, model));
    });
    const [drain, eject] = row.cells[COLUMNS.length].children;
    this.#offer(drain, backend.drained_by_hand ? "undrain" : "drain", backend);
    this.#offer(eject, ["ejected", "panic"].includes(backend.condition) ? "restore" : "eject", backend);
    return row;
  }

  #button() {
    const button = element("button", { type: "button" });
    button.addEventListener("click", () => this.order(button.order, button.backend));
    return button;
  }

  #offer(button, order, backend) {
    button.order = order;
    button.backend = backend;
    setText(button, order[0].toUpperCase() + order.slice(1));
    setAttribute(button, "aria-label", `${button.textContent} ${address(backend)}`);
    setAttribute(button, "disabled", backend.condition === "gone");
  }
}
