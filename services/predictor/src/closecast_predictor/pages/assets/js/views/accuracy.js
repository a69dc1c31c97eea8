/** How the forecasts of every symbol have fared, by horizon. */

import { choice } from "../components/choice.js";
import { scroller } from "../components/scroller.js";
import { empty, resource } from "../components/states.js";
import { link } from "../core/address.js";
import * as api from "../core/api.js";
import { change, number, percent, session } from "../core/formats.js";
import { html } from "../core/html.js";
import { t } from "../core/i18n.js";
import { Resource } from "../core/resource.js";

const REFRESH_S = 60;
const HORIZONS = Array.from({ length: 10 }, (_, index) => index + 1);
const STEPS = 4;

/** Each metric: how it is written, and how good a value is from -1 to 1 (0 for neither). */
const METRICS = {
  skill: { write: (value) => change(value), judge: (value) => value / 0.2 },
  coverage_80: { write: (value) => percent(value), judge: (value) => 1 - Math.abs(value - 0.8) / 0.1 },
  mape: { write: (value) => percent(value, 2), judge: () => 0 },
  scored: { write: (value) => number(value), judge: () => 0 },
};

export class AccuracyView {
  constructor({ changed }) {
    this._changed = changed;
    this._metric = "skill";
    this._stats = new Resource((signal) => api.stats(signal), changed, { every: () => REFRESH_S });
  }

  start() {
    this._stats.start();
  }

  stop() {
    this._stats.stop();
  }

  template() {
    return html`
      <div class="card">
        <div class="chart-head">
          <p class="lead">${t(`accuracy.meaning.${this._metric}`)}</p>
          ${choice(
            t("accuracy.metric"),
            Object.keys(METRICS).map((metric) => ({ value: metric, text: t(`accuracy.metrics.${metric}`) })),
            this._metric,
            (metric) => this._choose(metric),
          )}
        </div>
        ${resource(this._stats, (stats) => this._table(stats), { lines: 8 })}
      </div>
    `;
  }

  _choose(metric) {
    this._metric = metric;
    this._changed();
  }

  _table({ symbols, since }) {
    const rows = symbols.filter(({ horizons }) => horizons.some((row) => row.scored > 0));
    if (!rows.length) return empty(t("record.none"), t("record.noneYet"));
    const metric = t(`accuracy.metrics.${this._metric}`);
    return html`
      ${scroller(
        metric,
        html`<table class="numbers heat">
          <caption class="visually-hidden">
            ${t("accuracy.tableOf", { metric })}
          </caption>
          <thead>
            <tr>
              <th scope="col">${t("comparison.symbol")}</th>
              ${HORIZONS.map((horizon) => html`<th scope="col">${t("accuracy.ahead", { count: horizon })}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${rows.map((row) => this._row(row))}
          </tbody>
        </table>`,
      )}
      <p class="quiet">${t("accuracy.since", { since: session(since?.slice(0, 10)) })}</p>
    `;
  }

  _row({ symbol, horizons }) {
    const found = new Map(horizons.map((row) => [row.horizon, row]));
    return html`<tr>
      <th scope="row"><a href=${link({ symbols: [symbol] })}>${symbol}</a></th>
      ${HORIZONS.map((horizon) => this._cell(found.get(horizon)))}
    </tr>`;
  }

  _cell(row) {
    const { write, judge } = METRICS[this._metric];
    const value = row?.scored ? row[this._metric] : null;
    if (value === null || value === undefined) return html`<td class="is-missing">–</td>`;
    const step = Math.max(-STEPS, Math.min(STEPS, Math.round(judge(value) * STEPS)));
    return html`<td data-step=${step}>${write(value)}</td>`;
  }
}
