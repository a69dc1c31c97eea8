/** Axes of charts over sessions: one step is one session, whatever days lie between. */

import { price, session } from "../core/formats.js";

const LABEL_PX = 78;
const CHARACTER_PX = 6.8;
const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

/** Axis of sessions: labelled where months begin, or at even steps where that would say too little. */
export function sessionAxis(sessions, colours, nameOf) {
  return {
    font: FONT,
    stroke: colours.muted,
    grid: { show: false },
    ticks: { stroke: colours.line, width: 1, size: 5 },
    size: 32,
    splits: (plot) =>
      positions(sessions, Math.max(2, Math.floor(plot.bbox.width / devicePixelRatio / LABEL_PX))),
    values: (_plot, splits) => splits.map((index) => nameOf(index, splits)),
  };
}

/** Axis of prices, as wide as its longest label. */
export function priceAxis(colours) {
  return {
    font: FONT,
    stroke: colours.muted,
    grid: { stroke: colours.line, width: 1 },
    ticks: { show: false },
    space: 44,
    values: (_plot, splits) => splits.map((value) => price(value)),
    size: (_plot, values) => 12 + Math.max(0, ...(values ?? []).map((text) => text.length)) * CHARACTER_PX,
  };
}

/** Words of a tick: the month, with the year where it turns; the day where ticks are closer than months. */
export function tickName(sessions, index, splits) {
  const iso = sessions[index];
  if (!iso) return "";
  const before = sessions[splits[splits.indexOf(index) - 1]];
  const isDaily = splits.length > 1 && splits[1] - splits[0] < 15;
  if (isDaily) return session(iso, { day: "numeric", month: "short" });
  const isNewYear = !before || before.slice(0, 4) !== iso.slice(0, 4);
  return session(iso, isNewYear ? { month: "short", year: "numeric" } : { month: "short" });
}

function positions(sessions, most) {
  const months = [];
  for (let index = 1; index < sessions.length; index += 1) {
    if (sessions[index]?.slice(0, 7) !== sessions[index - 1]?.slice(0, 7)) months.push(index);
  }
  if (months.length < 3) return evenly(sessions.length, most);
  const step = Math.ceil(months.length / most);
  return months.filter((_, order) => order % step === 0);
}

function evenly(count, most) {
  const step = Math.max(1, Math.ceil(count / most));
  return Array.from({ length: Math.ceil(count / step) }, (_, order) => order * step);
}
