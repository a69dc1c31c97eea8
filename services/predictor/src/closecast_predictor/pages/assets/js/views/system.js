/** How the system fares: whether it is ready, how quick, how far behind, on what. */

import { badge, versionName } from "../components/badges.js";
import { resource } from "../components/states.js";
import * as api from "../core/api.js";
import { bytes, compact, number, percent, span } from "../core/formats.js";
import { html, nothing } from "../core/html.js";
import { known, t } from "../core/i18n.js";
import { Resource } from "../core/resource.js";

const REFRESH_S = 5;

export class SystemView {
  constructor({ changed, ready }) {
    this._ready = ready;
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
      <div class="tiles">${this._readiness()} ${resource(this._stats, tiles, { lines: 6 })}</div>
    `;
  }

  _readiness() {
    const { value, error } = this._ready;
    const content = error
      ? html`${badge(t("system.notReady"), "bad")}
          <p class="quiet" lang="en">${error.message}</p>`
      : value
        ? html`${badge(t("system.ready"), "good")}
            <p class="quiet">${t("system.forecasts", { count: value.symbols })}</p>`
        : badge(t("state.loading"));
    return tile(t("system.readiness"), content);
  }
}

function tiles({ model, requests, kafka, hardware }) {
  return html`
    ${model ? tile(t("system.model"), modelFacts(model)) : nothing}
    ${requests ? tile(t("system.requests"), facts(requests, "system.requestFacts")) : nothing}
    ${kafka ? tile(t("system.kafka"), lag(kafka.lag ?? {})) : nothing}
    ${hardware ? tile(t("system.hardware"), facts(hardware, "system.hardwareFacts")) : nothing}
  `;
}

const tile = (title, content) =>
  html`<section class="card tile">
    <h2>${title}</h2>
    ${content}
  </section>`;

const modelFacts = ({ model, version, age_seconds: age }) => html`
  <p class="big">${versionName(version)}</p>
  <p class="quiet">
    ${model}${age === null || age === undefined ? "" : ` · ${t("system.modelAge", { age: span(age) })}`}
  </p>
`;

function lag(topics) {
  const rows = Object.entries(topics);
  if (!rows.length) return html`<p class="quiet">${t("system.noLag")}</p>`;
  return html`<dl class="pairs">
    ${rows.map(
      ([topic, records]) =>
        html`<div>
          <dt>${topic}</dt>
          <dd>${records === 0 ? t("system.upToDate") : t("system.behind", { count: records })}</dd>
        </div>`,
    )}
  </dl>`;
}

/** Figures by name, those within figures too; each written by its unit, which its name ends with. */
function facts(values, names) {
  return html`<dl class="pairs">
    ${Object.entries(values).flatMap(([name, value]) =>
      value !== null && typeof value === "object"
        ? Object.entries(value).map(([inner, one]) =>
            fact(`${name}.${inner}`, `${name} ${inner}`, one, names),
          )
        : [fact(name, name, value, names)],
    )}
  </dl>`;
}

const fact = (key, fallback, value, names) =>
  html`<div>
    <dt>${known(`${names}.${key}`, fallback.replaceAll("_", " "))}</dt>
    <dd>${written(key, value)}</dd>
  </div>`;

const UNITS = [
  [/_ms$|latency/, (value) => `${number(value, value < 10 ? 1 : 0)} ms`],
  [/bytes$/, bytes],
  [/_mb$/, (value) => bytes(value * 1e6)],
  [/(share|busy|fraction|ratio)$/, (value) => percent(value)],
  [/percent$/, (value) => percent(value / 100)],
  [/_seconds$/, span],
  [/./, (value) => (Number.isInteger(value) ? compact(value) : number(value, 2))],
];

function written(name, value) {
  if (typeof value !== "number") return String(value ?? "–");
  const [, write] = UNITS.find(([unit]) => unit.test(name));
  return write(value);
}
