/** Past forecasts against what came: the 80 % interval that was forecast, and the close that it was about. */

import { percent, price, weekday } from "../core/formats.js";
import { t } from "../core/i18n.js";
import { priceAxis, sessionAxis, tickName } from "./axes.js";
import { SessionChart } from "./session-chart.js";

/** Whether a close lies outside of the interval that was forecast. */
export const isMiss = ({ actual, lower_80, upper_80 }) =>
  actual !== null && (actual < lower_80 || actual > upper_80);

const SHOWN = 60;

/** What the chart draws: the latest forecasts of one horizon, in the order of the sessions that they are about. */
export function pastModel(past, horizon, currency) {
  const rows = past
    .filter((row) => row.horizon === horizon)
    .sort((a, b) => a.session.localeCompare(b.session));
  return { rows: rows.slice(-SHOWN), currency };
}

class PastChart extends SessionChart {
  plot(colours) {
    const { rows } = this.model;
    const sessions = rows.map((row) => row.session);
    const hidden = { stroke: "transparent", width: 0, points: { show: false } };
    return {
      data: [
        rows.map((_, index) => index),
        rows.map((row) => row.upper_80),
        rows.map((row) => row.lower_80),
        rows.map((row) => row.median),
        rows.map((row) => row.actual),
        rows.map((row) => (isMiss(row) ? row.actual : null)),
      ],
      options: {
        scales: { x: { time: false } },
        axes: [
          sessionAxis(sessions, colours, (index, splits) => tickName(sessions, index, splits)),
          priceAxis(colours),
        ],
        series: [
          {},
          hidden,
          hidden,
          { stroke: colours.accent, width: 1.5, dash: [6, 4], points: { show: false } },
          { stroke: colours.ink, width: 1.75, points: { show: rows.length < 3, size: 6, fill: colours.ink } },
          {
            stroke: colours.miss,
            width: 2,
            paths: () => null,
            points: { show: true, size: 10, width: 2, fill: colours.surface, stroke: colours.miss },
          },
        ],
        bands: [{ series: [1, 2], fill: colours["fan-80"] }],
      },
    };
  }

  reading(index) {
    const { rows, currency } = this.model;
    if (index === null || index === undefined) return [[t("chart.hint"), ""]];
    const row = rows[index];
    return [
      [weekday(row.session), price(row.actual, currency)],
      [t("chart.forecast"), price(row.median)],
      [percent(0.8), `${price(row.lower_80)} – ${price(row.upper_80)}`],
    ];
  }
}

customElements.define("past-chart", PastChart);
