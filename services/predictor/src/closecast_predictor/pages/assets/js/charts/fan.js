/** A forecast as a fan: the closes so far, then the median with its intervals of 50, 80 and 95 %. */

import { percent, price, weekday } from "../core/formats.js";
import { t } from "../core/i18n.js";
import { priceAxis, sessionAxis, tickName } from "./axes.js";
import { SessionChart } from "./session-chart.js";

/** Lower and upper quantile of each interval, widest first. */
export const INTERVALS = [
  { name: "95", lower: "0.025", upper: "0.975" },
  { name: "80", lower: "0.1", upper: "0.9" },
  { name: "50", lower: "0.25", upper: "0.75" },
];

/**
 * What the fan draws.
 * @param {{session: string | null, close: number}[]} history oldest first, ends with the origin of the forecast
 * @param {{forecast: object[], last_close: number, currency: string | null}} answer
 */
export function fanModel(history, answer) {
  const past = history.length ? history : [{ session: answer.origin, close: answer.last_close }];
  return {
    past,
    steps: answer.forecast,
    currency: answer.currency,
    sessions: [...past.map((row) => row.session), ...answer.forecast.map((step) => step.session)],
  };
}

class FanChart extends SessionChart {
  plot(colours) {
    const { past, steps, sessions } = this.model;
    const before = Array(past.length - 1).fill(null);
    const origin = past.at(-1).close;
    const ahead = (valueOf) => [...before, origin, ...steps.map(valueOf)];
    const bounds = INTERVALS.flatMap(({ lower, upper }) => [upper, lower]);
    const data = [
      sessions.map((_, index) => index),
      ...bounds.map((level) => ahead((step) => step.quantiles[level])),
      ahead((step) => step.median),
      [...past.map((row) => row.close), ...steps.map(() => null)],
    ];
    const hidden = { stroke: "transparent", width: 0, points: { show: false } };
    return {
      data,
      options: {
        scales: { x: { time: false }, y: { range: (_plot, low, high) => padded(low, high) } },
        axes: [
          sessionAxis(sessions, colours, (index, splits) => this.#tick(index, splits)),
          priceAxis(colours),
        ],
        series: [
          {},
          ...bounds.map(() => hidden),
          { stroke: colours.accent, width: 2, dash: [6, 4], points: { show: false } },
          {
            stroke: colours.ink,
            width: 1.75,
            points: { show: past.length === 1, size: 7, fill: colours.ink },
          },
        ],
        bands: INTERVALS.map(({ name }, order) => ({
          series: [1 + order * 2, 2 + order * 2],
          fill: colours[`fan-${name}`],
        })),
      },
    };
  }

  reading(index) {
    const { past, steps, currency } = this.model;
    if (index === null || index === undefined) return [[t("chart.hint"), ""]];
    const name = this.#name(index);
    if (index < past.length) return [[name, price(past[index].close, currency)]];
    const step = steps[index - past.length];
    const [, { lower, upper }] = INTERVALS;
    const interval = `${price(step.quantiles[lower])} – ${price(step.quantiles[upper])}`;
    return [
      [name, price(step.median, currency)],
      [percent(0.8), interval],
    ];
  }

  #name(index) {
    const { past, sessions } = this.model;
    return sessions[index] ? weekday(sessions[index]) : offset(index - past.length + 1);
  }

  #tick(index, splits) {
    const { past, sessions } = this.model;
    return sessions[index] ? tickName(sessions, index, splits) : offset(index - past.length + 1);
  }
}

const offset = (sessions) => (sessions > 0 ? `+${sessions}` : String(sessions));

function padded(low, high) {
  const room = (high - low) * 0.06 || Math.abs(high) * 0.01 || 1;
  return [low - room, high + room];
}

customElements.define("fan-chart", FanChart);
