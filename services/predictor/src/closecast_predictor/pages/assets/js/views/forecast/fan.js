/** The chart of a forecast, or its table. */

import "../../charts/fan.js";
import { fanModel } from "../../charts/fan.js";
import { choice } from "../../components/choice.js";
import { icon } from "../../components/icons.js";
import { scroller } from "../../components/scroller.js";
import { percent, price } from "../../core/formats.js";
import { html, nothing } from "../../core/html.js";
import { t } from "../../core/i18n.js";
import { RANGES } from "./card-state.js";
import { forecastTable, spreadOf } from "./summary.js";

const models = new WeakMap();

/**
 * Chart or table of a forecast.
 * @param {{range?: number, isTable: boolean, set: (values: object) => void}} state
 * @param {object} answer
 * @param {{session: string | null, close: number}[]} history oldest first; empty while unknown
 */
export function fan(state, answer, history) {
  const name = answer.symbol ?? t("upload.yours");
  return html`
    <div class="chart-head">
      ${state.isTable ? html`<span></span>` : legend()}
      <div class="chart-tools">
        ${state.isTable || !history.length ? nothing : ranges(state)}
        ${chartOrTable(state.isTable, (isTable) => state.set({ isTable }))}
      </div>
    </div>
    ${
      state.isTable
        ? scroller(t("forecast.tableOf", { symbol: name }), forecastTable(answer))
        : html`<fan-chart
            .model=${modelOf(answer, history, state.range)}
            .description=${inWords(name, answer)}
          ></fan-chart>`
    }
  `;
}

/** Whether the numbers or their chart are shown. */
export const chartOrTable = (isTable, choose) =>
  choice(
    t("chart.as"),
    [
      { value: false, text: icon("chart"), label: t("chart.chart") },
      { value: true, text: icon("table"), label: t("chart.table") },
    ],
    isTable,
    choose,
  );

const ranges = (state) =>
  choice(
    t("chart.range"),
    RANGES.map((sessions) => ({
      value: sessions,
      text: t(`chart.ranges.${sessions}`),
      label: t("chart.sessions", { count: sessions }),
    })),
    state.range,
    (range) => state.set({ range }),
  );

const legend = () => html`
  <ul class="legend">
    <li><span class="key is-line"></span>${t("chart.close")}</li>
    <li><span class="key is-median"></span>${t("forecast.median")}</li>
    <li><span class="key is-50"></span>${percent(0.5)}</li>
    <li><span class="key is-80"></span>${percent(0.8)}</li>
    <li><span class="key is-95"></span>${percent(0.95)}</li>
  </ul>
`;

function inWords(name, answer) {
  const last = answer.forecast.at(-1);
  return t("chart.fanInWords", {
    symbol: name,
    last: price(answer.last_close, answer.currency),
    count: last.horizon,
    median: price(last.median, answer.currency),
    spread: spreadOf(answer, last),
    lower: price(last.quantiles["0.1"]),
    upper: price(last.quantiles["0.9"]),
  });
}

/** The same model as long as nothing changed, so that the chart is not drawn again. */
function modelOf(answer, history, range) {
  const key = `${history.length} ${history.at(-1)?.session} ${range} ${document.documentElement.lang}`;
  const known = models.get(answer);
  if (known?.key === key) return known.model;
  const model = fanModel(history.slice(-(range ?? history.length)), answer);
  models.set(answer, { key, model });
  return model;
}
