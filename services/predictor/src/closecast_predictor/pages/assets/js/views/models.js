/** Every version of the models, which of them speaks, and what it takes to have another speak. */

import { badge, stateBadge, versionName } from "../components/badges.js";
import { confirm } from "../components/dialog.js";
import { scroller } from "../components/scroller.js";
import { empty, resource } from "../components/states.js";
import * as api from "../core/api.js";
import { ago, change, moment, number } from "../core/formats.js";
import { html, nothing, repeat } from "../core/html.js";
import { t } from "../core/i18n.js";
import { Resource } from "../core/resource.js";
import { modelCard } from "./model-card.js";

const REFRESH_S = 20;
const SOON_S = 1;
const SOON_MS = 20_000;

export class ModelsView {
  constructor({ changed, notices }) {
    this._changed = changed;
    this._notices = notices;
    this._details = new Map();
    this._watchUntil = 0;
    this._models = new Resource((signal) => api.models(signal), changed, {
      every: () => (Date.now() < this._watchUntil ? SOON_S : REFRESH_S),
    });
  }

  start() {
    this._models.start();
  }

  stop() {
    this._models.stop();
    for (const detail of this._details.values()) detail.stop();
    this._details.clear();
  }

  template() {
    return resource(this._models, (models) => this._groups(models), { lines: 8 });
  }

  _groups(versions) {
    if (!versions.length) return empty(t("models.none"), t("models.noneDetail"));
    const names = [...new Set(versions.map((version) => version.model))];
    return names.map(
      (name) => html`
        <section class="group" aria-labelledby="model-${name}">
          <h2 id="model-${name}">${name}</h2>
          <ul class="rows">
            ${repeat(
              versions.filter((version) => version.model === name),
              (version) => version.version,
              (version) => this._version(version),
            )}
          </ul>
        </section>
      `,
    );
  }

  _version(version) {
    const name = versionName(version.version);
    return html`
      <li class="row ${version.serving ? "is-serving" : ""}" data-version=${version.version}>
        <div class="row-head">
          <h3>${name}</h3>
          ${version.serving ? badge(t("models.serving"), "good") : nothing}
          ${version.outcome ? stateBadge(version.outcome) : nothing}
          ${(version.aliases ?? []).map((alias) => badge(alias))}
          ${version.serving ? nothing : this._promoteButton(version, name)}
        </div>
        <p class="row-facts">
          <span title=${moment(version.created_at)}>${ago(version.created_at)}</span>
          ${version.skill === null ? nothing : html`<span>${t("forecast.skill", { skill: change(version.skill) })}</span>`}
        </p>
        ${version.reason ? html`<p class="reason" lang="en">${version.reason}</p>` : nothing}
        <details class="more" @toggle=${(event) => this._toggle(event, version)}>
          <summary>${t("models.details")}<span class="visually-hidden"> ${name}</span></summary>
          ${this._detail(version)}
        </details>
      </li>
    `;
  }

  _promoteButton(version, name) {
    const label = t("models.promoteAction", { name });
    return html`<button class="button" aria-label=${label} @click=${() => this._promote(version, name)}>
      ${t("models.promote")}
    </button>`;
  }

  async _promote(version, name) {
    const isSure = await confirm({
      title: t("models.promoteTitle", { name, model: version.model }),
      content: t("models.promoteDetail", { name }),
      action: t("models.promoteAction", { name }),
    });
    if (!isSure) return;
    try {
      await api.promote(version.version, version.model);
      this._notices.tell(t("models.promoted", { name }));
      this._watchUntil = Date.now() + SOON_MS;
    } catch (error) {
      this._notices.fail(error);
    }
    this._models.start();
  }

  _toggle(event, { model, version }) {
    const key = `${model} ${version}`;
    if (!event.target.open || this._details.has(key)) return;
    this._details.set(
      key,
      new Resource((signal) => api.model(version, model, signal), this._changed).start(),
    );
  }

  _detail({ model, version }) {
    const detail = this._details.get(`${model} ${version}`);
    return detail ? resource(detail, facts) : nothing;
  }
}

function facts({ card, metrics, parameters, symbols, run_id: run }) {
  return html`
    <div class="facts">
      ${modelCard(card)} ${Object.keys(metrics ?? {}).length ? metricsTable(metrics) : nothing}
      ${Object.keys(parameters ?? {}).length ? pairs(t("models.parameters"), parameters) : nothing}
      <p class="quiet">
        ${symbols?.length ? t("models.trainedOn", { symbols: symbols.join(", ") }) : nothing}
        ${run ? t("models.run", { run }) : nothing}
      </p>
    </div>
  `;
}

/** Metrics come by who was measured: {candidate: {mae: …}, naive: {mae: …}}, or flat. */
function metricsTable(metrics) {
  const groups = Object.entries(metrics).filter(([, values]) => typeof values === "object");
  if (!groups.length) return pairs(t("models.metrics"), metrics);
  const names = [...new Set(groups.flatMap(([, values]) => Object.keys(values)))];
  return scroller(
    t("models.metrics"),
    html`<table class="numbers">
      <caption>
        ${t("models.metrics")}
      </caption>
      <thead>
        <tr>
          <th scope="col">${t("models.measured")}</th>
          ${names.map((name) => html`<th scope="col">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${groups.map(
          ([group, values]) =>
            html`<tr>
              <th scope="row">${group}</th>
              ${names.map((name) => html`<td>${number(values[name], 4)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>`,
  );
}

const pairs = (title, values) => html`
  <h4>${title}</h4>
  <dl class="pairs">
    ${Object.entries(values).map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>
            ${typeof value === "number" ? number(value, Number.isInteger(value) ? 0 : 4) : String(value)}
          </dd>
        </div>`,
    )}
  </dl>
`;
