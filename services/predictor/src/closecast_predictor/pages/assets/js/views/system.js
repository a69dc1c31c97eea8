/** How the system fares: whether it is ready, how quick, how far behind, on what. */

import { badge, versionName } from "../components/badges.js";
import { resource } from "../components/states.js";
import * as api from "../core/api.js";
import { bytes, moment, number, percent, span } from "../core/formats.js";
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
      <div class="tiles">
        ${tile(t("system.readiness"), readiness(this._ready))} ${resource(this._stats, tiles, { lines: 6 })}
      </div>
    `;
  }
}

function readiness({ value, error }) {
  if (error) {
    return html`
      ${badge(t("system.notReady"), "bad")}
      <p lang="en">${error.message}</p>
    `;
  }
  if (!value) return badge(t("state.loading"));
  return html`
    <p class="big">${t("system.ready")}</p>
    <p class="quiet">${t("system.forecasts", { count: value.symbols })}</p>
  `;
}

const tiles = ({ model, requests, kafka, hardware }) => html`
  ${tile(t("system.model"), speaking(model))} ${tile(t("system.latency"), latency(requests.latency_ms))}
  ${tile(t("system.requests"), counts(requests))} ${tile(t("system.hardware"), use(hardware))}
  ${tile(t("system.kafka"), lag(kafka.lag))}
`;

const tile = (title, content) => html`
  <section class="card tile">
    <h2>${title}</h2>
    ${content}
  </section>
`;

const speaking = ({ model, version, age_seconds: age }) => html`
  <p class="big">${versionName(version)}</p>
  <p class="quiet">${model}${age === null ? "" : ` · ${t("system.modelAge", { age: span(age) })}`}</p>
`;

const latency = (quantiles) => html`
  <dl class="trio">
    ${["p50", "p95", "p99"].map(
      (name) => html`
        <div>
          <dt>${name}</dt>
          <dd>${milliseconds(quantiles[name])}</dd>
        </div>
      `,
    )}
  </dl>
  <p class="quiet">${t("system.latencyMeaning")}</p>
`;

const milliseconds = (value) => (value === null ? number(value) : `${number(value, value < 10 ? 2 : 0)} ms`);

const counts = ({ total, since, by_status: statuses, predictions }) => html`
  <p class="big">${number(total)}</p>
  ${since ? html`<p class="quiet">${t("system.since", { since: moment(since) })}</p>` : nothing}
  ${pairs([
    ...Object.entries(statuses).map(([status, count]) => [t("system.status", { status }), number(count)]),
    ...Object.entries(predictions).map(([source, count]) => [
      known(`system.predictions.${source}`, source),
      number(count),
    ]),
  ])}
`;

const use = (hardware) => html`
  ${gauge(
    t("system.cpu"),
    hardware.cpu_cores_used / hardware.cpu_cores,
    t("system.cores", { used: number(hardware.cpu_cores_used, 2), all: number(hardware.cpu_cores) }),
  )}
  ${gauge(
    t("system.memory"),
    hardware.memory_bytes / hardware.memory_total_bytes,
    t("system.ofAll", { used: bytes(hardware.memory_bytes), all: bytes(hardware.memory_total_bytes) }),
  )}
  ${hardware.gpu ? graphics(hardware.gpu) : nothing}
  <p class="quiet">${t("system.processes", { count: hardware.processes })}</p>
`;

const graphics = (gpu) => html`
  ${gauge(gpu.name, gpu.busy_percent / 100, percent(gpu.busy_percent / 100))}
  ${gauge(
    t("system.gpuMemory"),
    gpu.memory_used_bytes / gpu.memory_total_bytes,
    t("system.ofAll", { used: bytes(gpu.memory_used_bytes), all: bytes(gpu.memory_total_bytes) }),
  )}
`;

const gauge = (name, share, words) => html`
  <div class="gauge">
    <span>${name}</span> <span>${words}</span>
    <meter min="0" max="1" value=${share} aria-label=${name}></meter>
  </div>
`;

function lag(topics) {
  const rows = Object.entries(topics);
  if (!rows.length) return html`<p class="quiet">${t("system.noLag")}</p>`;
  return pairs(
    rows.map(([topic, count]) => [topic, count ? t("system.behind", { count }) : t("system.upToDate")]),
  );
}

const pairs = (rows) => html`
  <dl class="pairs">
    ${rows.map(
      ([name, value]) => html`
        <div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>
      `,
    )}
  </dl>
`;
