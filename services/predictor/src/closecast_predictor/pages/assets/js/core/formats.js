/** Numbers, prices, dates and spans of time as the reader's language writes them. */

import { locale } from "./i18n.js";

export const NONE = "–";

const cache = new Map();

function formatter(Kind, options) {
  const key = `${Kind.name} ${locale()} ${JSON.stringify(options)}`;
  if (!cache.has(key)) cache.set(key, new Kind(locale(), options));
  return cache.get(key);
}

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/** 1,234.5 */
export function number(value, digits = 0) {
  if (!isNumber(value)) return NONE;
  return formatter(Intl.NumberFormat, {
    maximumFractionDigits: digits,
    minimumFractionDigits: digits,
  }).format(value);
}

/** 1.2K: counts that need no exactness. */
export function compact(value) {
  if (!isNumber(value)) return NONE;
  return formatter(Intl.NumberFormat, { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

/** A price, with its currency where that is known; prices below one get more digits. */
export function price(value, currency) {
  if (!isNumber(value)) return NONE;
  const digits = Math.abs(value) < 1 ? 4 : 2;
  const style = currency ? { style: "currency", currency } : {};
  const options = { ...style, minimumFractionDigits: digits, maximumFractionDigits: digits };
  return formatter(Intl.NumberFormat, options).format(value);
}

/** A share of one as per cent. */
export function percent(value, digits = 0) {
  if (!isNumber(value)) return NONE;
  const options = { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits };
  return formatter(Intl.NumberFormat, options).format(value);
}

/** A change as per cent, always with its sign. */
export function change(value, digits = 1) {
  if (!isNumber(value)) return NONE;
  const options = {
    style: "percent",
    signDisplay: "exceptZero",
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  };
  return formatter(Intl.NumberFormat, options).format(value);
}

/** How far something may go either way, a share of one: "±1.4%". */
export const plusMinus = (value) => (isNumber(value) ? `±${percent(value, 1)}` : NONE);

/** A session such as 2025-06-16; sessions have no hour, so no time zone may move them. */
export function session(iso, options = { day: "numeric", month: "short", year: "numeric" }) {
  if (!iso) return NONE;
  return formatter(Intl.DateTimeFormat, { timeZone: "UTC", ...options }).format(new Date(`${iso}T00:00:00Z`));
}

/** A session with its weekday, without the year. */
export const weekday = (iso) => session(iso, { weekday: "short", day: "numeric", month: "short" });

/** A moment in the reader's own time. */
export function moment(iso) {
  if (!iso) return NONE;
  return formatter(Intl.DateTimeFormat, { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));
}

const UNITS = [
  ["year", 31_557_600],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** A span of seconds in its largest fitting unit: "3 hours". */
export function span(seconds) {
  if (!isNumber(seconds)) return NONE;
  const [unit, length] = UNITS.find(([, size]) => seconds >= size) ?? UNITS.at(-1);
  const options = { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 0 };
  return formatter(Intl.NumberFormat, options).format(Math.round(seconds / length));
}

/** A moment as its distance from now: "5 minutes ago". */
export function ago(iso) {
  if (!iso) return NONE;
  const seconds = (Date.now() - new Date(iso).getTime()) / 1000;
  const [unit, length] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS.at(-1);
  return formatter(Intl.RelativeTimeFormat, { numeric: "auto" }).format(-Math.round(seconds / length), unit);
}

/** Bytes as 1.5 MB. */
export function bytes(value) {
  if (!isNumber(value)) return NONE;
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const power = Math.min(Math.floor(Math.log10(Math.max(value, 1)) / 3), units.length - 1);
  const options = { style: "unit", unit: units[power], unitDisplay: "short", maximumFractionDigits: 1 };
  return formatter(Intl.NumberFormat, options).format(value / 1000 ** power);
}
