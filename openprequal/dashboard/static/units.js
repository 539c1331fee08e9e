// How are numbers written for people? Always with their unit, and to about three digits.

const NOTHING = "–";

function digits(value, count = 3) {
  if (value === 0) return "0";
  const decimals = Math.max(0, count - 1 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(decimals, 3));
}

/** A latency in seconds. */
export function latency(seconds) {
  if (seconds === null || seconds === undefined) return NOTHING;
  if (seconds < 0.001) return `${digits(seconds * 1e6, 2)} µs`;
  return seconds < 1 ? `${digits(seconds * 1e3)} ms` : `${digits(seconds)} s`;
}

/** The same where it is a round number, at an axis. */
export function roundLatency(seconds) {
  return latency(seconds).replace(/\.0+ |(\.\d*?)0+ /, "$1 ");
}

/** How long ago, or for how long. */
export function age(seconds) {
  if (seconds === null || seconds === undefined) return NOTHING;
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} d`;
}

/** So many a second. */
export function rate(perSecond) {
  if (perSecond === null || perSecond === undefined) return NOTHING;
  return perSecond >= 100 ? Math.round(perSecond).toLocaleString("en") : digits(perSecond, 2);
}

/** A count, or a RIF, which may be a fraction. */
export function count(value) {
  if (value === null || value === undefined) return NOTHING;
  return Number.isInteger(value) ? value.toLocaleString("en") : digits(value);
}

/** A share, 0 to 1. */
export function percent(share) {
  if (share === null || share === undefined) return NOTHING;
  if (share > 0 && share < 0.0005) return "< 0.1 %";
  return `${(share * 100).toFixed(share < 0.1 && share > 0 ? 1 : 0)} %`;
}
