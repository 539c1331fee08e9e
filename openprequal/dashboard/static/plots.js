// How are plots drawn? As SVG, anew each time: they are a few hundred points.

import { shape } from "./dom.js";

const LEAST_WIDTH = 280;
const LEAST_HEIGHT = 210;
const LEFT = 56;
const RIGHT = 44;
const TOP = 10;
const BOTTOM = 22;

/** Numbers a reader likes, about count of them, from 0 to at least most. */
export function ticks(most, count = 4, least = 0) {
  const rough = Math.max(least, most / count) || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, index) => index * step);
}

/** Powers of ten between least and most, with halves of them where they are few. */
function powers(least, most) {
  const low = Math.floor(Math.log10(least));
  const high = Math.ceil(Math.log10(most));
  const found = [];
  for (let power = low; power <= high; power++) {
    for (const factor of high - low > 2 ? [1] : [1, 2, 5]) found.push(factor * 10 ** power);
  }
  const inside = found.filter((value) => value >= least && value <= most);
  const below = found.filter((value) => value < least).pop();
  const above = found.find((value) => value > most);
  return [below, ...inside, above].filter((value) => value !== undefined);
}

const HOT = "M0 -6 L6 5 L-6 5 Z";
const HELD = "M-5 -5 L5 5 M-5 5 L5 -5";

class Frame {
  /** In box, with its axes; x and y: {ticks, text, log, pad: the part of it that is left free at both ends}. */
  constructor(box, label, x, y) {
    this.width = Math.max(LEAST_WIDTH, box.clientWidth);
    this.height = Math.max(LEAST_HEIGHT, box.clientHeight);
    this.bottom = this.height - (x.name ? BOTTOM + 14 : BOTTOM);
    this.right = this.width - RIGHT;
    this.x = x;
    this.y = y;
    this.svg = shape("svg", { width: this.width, height: this.height, role: "img", "aria-label": label });
    for (const value of y.ticks) {
      const at = this.atY(value);
      this.draw("line", { class: "grid", x1: LEFT, x2: this.right, y1: at, y2: at });
      this.write(LEFT - 6, at + 4, y.text(value), "axis end");
    }
    for (const value of x.ticks) {
      const at = this.atX(value);
      this.draw("line", { class: "grid", x1: at, x2: at, y1: TOP, y2: this.bottom });
      this.write(at, this.bottom + 15, x.text(value), "axis middle");
    }
    if (x.name) this.write((LEFT + this.right) / 2, this.height - 5, x.name, "axis middle");
    box.replaceChildren(this.svg);
  }

  atX(value) {
    return LEFT + this.#part(this.x, value) * (this.right - LEFT);
  }

  atY(value) {
    return this.bottom - this.#part(this.y, value) * (this.bottom - TOP);
  }

  #part(axis, value) {
    const [low, high] = [axis.ticks[0], axis.ticks[axis.ticks.length - 1]];
    if (axis.log) return (Math.log(Math.max(value, low)) - Math.log(low)) / (Math.log(high) - Math.log(low) || 1);
    const { pad = 0 } = axis;
    return (pad + (value - low) / (high - low || 1)) / (1 + 2 * pad);
  }

  draw(tag, attributes) {
    const node = shape(tag, attributes);
    this.svg.append(node);
    return node;
  }

  write(x, y, text, kind) {
    this.svg.append(shape("text", { x, y, class: kind }, text));
  }

  /** One backend, by colour and by shape; around it its share of the picks, and a ring if it is the next. */
  point({ name, rif, latency, hot, held, share, picked }) {
    const [x, y] = [this.atX(rif).toFixed(1), this.atY(latency).toFixed(1)];
    const kind = held ? "held" : hot ? "hot" : "cold";
    const size = 6 + 16 * Math.sqrt(share ?? 0);
    if (share) this.draw("circle", { class: `halo ${kind}`, cx: x, cy: y, r: size });
    const point = kind === "cold"
      ? this.draw("circle", { class: "point cold", cx: x, cy: y, r: 5 })
      : this.draw("path", { class: `point ${kind}`, d: held ? HELD : HOT, transform: `translate(${x} ${y})` });
    point.append(shape("title", {}, name));
    if (picked) this.draw("circle", { class: "picked", cx: x, cy: y, r: 9 });
  }

  /** A line through points that may have gaps (null). */
  line(points, kind) {
    let path = "";
    let pen = "M";
    for (const [x, y] of points) {
      if (y === null) {
        pen = "M";
      } else {
        path += `${pen}${this.atX(x).toFixed(1)} ${this.atY(y).toFixed(1)}`;
        pen = "L";
      }
    }
    if (path) this.draw("path", { class: `line ${kind}`, d: path });
  }
}

/** Lines over the last minutes. series: [{name, kind, points: [[x, y|null]]}]; x in seconds before now, negative. */
export function drawLines(box, label, series, seconds, text, log = false) {
  const values = series.flatMap(({ points }) => points.map(([, y]) => y)).filter((y) => y !== null && y > 0);
  const most = values.length ? Math.max(...values) : 1;
  const least = values.length ? Math.min(...values) : 0.001;
  const minutes = ticks(seconds / 60, 5).map((minute) => -60 * minute);
  const frame = new Frame(
    box,
    label,
    { ticks: minutes.reverse(), text: (x) => (x === 0 ? "now" : `${x / 60} min`.replace("-", "−")) },
    { ticks: log ? powers(least, Math.max(most, least * 1.01)) : ticks(most), text, log },
  );
  let lowest = Infinity;
  // Their names stand at their ends, from the uppermost down, with room for each.
  const named = [];
  for (const { name, kind, points } of series) {
    frame.line(points, kind);
    const last = points.findLast(([, y]) => y !== null);
    if (last) named.push({ name, kind, y: frame.atY(last[1]) });
  }
  named.sort((one, other) => other.y - one.y);
  for (const { name, kind, y } of named) {
    const at = Math.min(y + 4, lowest - 13);
    frame.write(frame.right + 5, at, name, `name ${kind}`);
    lowest = at;
  }
}

/** RIF by latency. loads: [{name, rif, latency, hot, held, share, picked}]; threshold: θ, or null. */
export function drawPool(box, label, loads, threshold, text, latencyText) {
  const most = Math.max(4, ...loads.map((load) => load.rif));
  const near = threshold !== null && threshold <= 2 * most;
  const slowest = Math.max(0.00001, ...loads.map((load) => load.latency));
  const pad = 0.05;
  const frame = new Frame(
    box,
    label,
    { ticks: ticks(near ? Math.max(most, threshold) : most, 6, 1), text, pad, name: "requests in flight there (RIF)" },
    { ticks: ticks(slowest), text: latencyText, pad },
  );
  if (threshold !== null) {
    const at = near ? frame.atX(threshold) : frame.right;
    frame.draw("line", { class: "theta", x1: at, x2: at, y1: TOP, y2: frame.bottom });
    frame.write(at + 4, TOP + 9, near ? thetaText(threshold, text) : `${thetaText(threshold, text)} →`, "name theta");
  }
  for (const load of loads) frame.point(load);
}

/** θ in words: hot are those at it or above. */
export function thetaText(threshold, text) {
  if (threshold === null) return "nothing is hot yet";
  return threshold === 0 ? "θ > 0" : `θ ${text(threshold)}`;
}
