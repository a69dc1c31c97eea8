/** How forecasts of a symbol have fared: each against what came, and their skill and coverage by horizon. */

import "../../charts/past.js";
import { isMiss, pastModel } from "../../charts/past.js";
import { scroller } from "../../components/scroller.js";
import { empty, resource } from "../../components/states.js";
import { change, number, percent, price, session } from "../../core/formats.js";
import { html, nothing } from "../../core/html.js";
import { t } from "../../core/i18n.js";
import { chartOrTable } from "./fan.js";

const EXPECTED = 0.8;
const models = new WeakMap();

/** Both parts, once there are scores. */
export const trackRecord = (state, currency) => html`
  <section class="record" aria-label=${t("record.of", { symbol: state.symbol })}>
    ${resource(state.record, (record) => parts(state, record, currency))}
  </section>
`;

function parts(state, record, currency) {
  const past = record.past ?? [];
  const horizons = record.symbols?.[0]?.horizons ?? [];
  const scored = horizons.filter((row) => row.scored > 0);
  if (!past.some(hasCome) && !scored.length) {
    return empty(t("record.none"), past.length ? firstOn(past) : t("record.noneYet"));
  }
  return html`<div class="record-parts">
    <div>${pastForecasts(state, past, currency)}</div>
    <div>
      ${scored.length ? byHorizon(state.symbol, scored) : html`<p class="quiet">${t("record.noneScored")}</p>`}
    </div>
  </div>`;
}

function pastForecasts(state, past, currency) {
  const model = modelOf(past, state.horizon, currency);
  const answered = model.rows.filter(hasCome);
  const late = answered.filter((row) => !row.live).length;
  const misses = answered.filter(isMiss).length;
  const words = t("record.inWords", {
    count: answered.length,
    misses,
    symbol: state.symbol,
  });
  return html`
    <div class="chart-head">
      <label class="inline-field">
        ${t("record.ahead")}
        <select @change=${(event) => state.set({ horizon: Number(event.target.value) })}>
          ${Array.from({ length: 10 }, (_, index) => index + 1).map(
            (horizon) =>
              html`<option value=${horizon} ?selected=${horizon === state.horizon}>${horizon}</option>`,
          )}
        </select>
      </label>
      ${chartOrTable(state.isRecordTable, (isRecordTable) => state.set({ isRecordTable }))}
    </div>
    ${drawn(state, model, words)}
    ${answered.length ? html`<p class="quiet">${words} ${late ? t("record.late", { count: late }) : ""}</p>` : nothing}
  `;
}

function drawn(state, model, words) {
  if (!model.rows.length)
    return empty(t("record.none"), t("record.noneAhead", { horizon: number(state.horizon) }));
  if (state.isRecordTable) return scroller(t("record.of", { symbol: state.symbol }), pastTable(model));
  if (!model.rows.some(hasCome)) return empty(t("record.none"), firstOn(model.rows));
  return html`
    <past-chart .model=${model} .description=${words}></past-chart>
    <ul class="legend">
      <li><span class="key is-line"></span>${t("record.actual")}</li>
      <li><span class="key is-median"></span>${t("chart.forecast")}</li>
      <li><span class="key is-80"></span>${percent(0.8)}</li>
      <li><span class="key is-miss"></span>${t("record.miss")}</li>
    </ul>
  `;
}

const hasCome = ({ actual }) => actual !== null;

function firstOn(rows) {
  const [first] = rows.map((row) => row.session).sort();
  return t("record.firstOn", { session: session(first) });
}

const pastTable = ({ rows, currency }) => html`
  <table class="numbers">
    <thead>
      <tr>
        <th scope="col">${t("forecast.session")}</th>
        <th scope="col">${t("chart.forecast")}</th>
        <th scope="col">${percent(0.8)}</th>
        <th scope="col">${t("record.actual")}</th>
        <th scope="col">${t("record.held")}</th>
      </tr>
    </thead>
    <tbody>
      ${rows.toReversed().map(
        (row) => html`
          <tr>
            <th scope="row">${session(row.session)}</th>
            <td>${price(row.median, currency)}</td>
            <td>${price(row.lower_80)} – ${price(row.upper_80)}</td>
            <td>${price(row.actual, currency)}</td>
            <td>${row.actual === null ? t("record.open") : t(isMiss(row) ? "record.no" : "record.yes")}</td>
          </tr>
        `,
      )}
    </tbody>
  </table>
`;

function byHorizon(symbol, horizons) {
  return scroller(
    t("record.byHorizonOf", { symbol }),
    html`
      <table class="numbers">
        <caption>
          ${t("record.byHorizon")}
        </caption>
        <thead>
          <tr>
            <th scope="col">${t("record.horizon")}</th>
            <th scope="col">${t("record.skill")}</th>
            <th scope="col">${t("record.coverage")}</th>
            <th scope="col">${t("record.mape")}</th>
            <th scope="col">${t("record.scored")}</th>
          </tr>
        </thead>
        <tbody>
          ${horizons.map(
            (row) => html`
              <tr>
                <th scope="row">${number(row.horizon)}</th>
                <td>${change(row.skill)}</td>
                <td>${coverage(row.coverage_80)}</td>
                <td>${percent(row.mape, 2)}</td>
                <td>${number(row.scored)}</td>
              </tr>
            `,
          )}
        </tbody>
      </table>
      <p class="quiet">${t("record.expected", { expected: percent(EXPECTED) })}</p>
    `,
  );
}

const coverage = (share) =>
  html`<span class="with-meter">
    <meter min="0" max="1" value=${share ?? 0} aria-hidden="true"></meter>${percent(share)}
  </span>`;

function modelOf(past, horizon, currency) {
  const key = `${horizon} ${document.documentElement.lang}`;
  const known = models.get(past);
  if (known?.key === key) return known.model;
  const model = pastModel(past, horizon, currency);
  models.set(past, { key, model });
  return model;
}
