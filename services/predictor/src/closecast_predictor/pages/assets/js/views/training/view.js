/** Training requests: asking for one, and what becomes of each. */

import { stateBadge, versionName } from "../../components/badges.js";
import { empty, resource } from "../../components/states.js";
import { link } from "../../core/address.js";
import * as api from "../../core/api.js";
import { ago, moment, number } from "../../core/formats.js";
import { html, nothing, repeat } from "../../core/html.js";
import { t } from "../../core/i18n.js";
import { Resource } from "../../core/resource.js";
import { form } from "./form.js";

const LIVE_S = 2;
const REFRESH_S = 15;
const SHOWN_SYMBOLS = 8;

const NOTHING_TOLD = { epoch: null, epochs: null, loss: null, validation_loss: null };

const isOpen = ({ state }) => state === "queued" || state === "running";

export class TrainingView {
  constructor({ changed, notices }) {
    this._changed = changed;
    this._notices = notices;
    this._form = { error: null, isSending: false, send: (wanted) => this._send(wanted) };
    this._trainings = new Resource((signal) => api.trainings(signal), changed, {
      every: (trainings) => (trainings.some(isOpen) ? LIVE_S : REFRESH_S),
    });
  }

  start() {
    this._trainings.start();
  }

  stop() {
    this._trainings.stop();
  }

  template() {
    return html`
      <div class="split">
        <section class="card" aria-labelledby="ask">
          <h2 id="ask">${t("training.ask")}</h2>
          ${form(this._form)}
        </section>
        <section aria-labelledby="requests">
          <h2 id="requests">${t("training.requests")}</h2>
          ${resource(this._trainings, (trainings) => list(trainings), { lines: 6 })}
        </section>
      </div>
    `;
  }

  async _send(wanted) {
    Object.assign(this._form, { error: null, isSending: true });
    this._changed();
    try {
      await api.train(wanted);
      this._notices.tell(t("training.sent"));
      this._trainings.start();
    } catch (error) {
      this._form.error = error;
    }
    this._form.isSending = false;
    this._changed();
  }
}

function list(trainings) {
  if (!trainings.length) return empty(t("training.none"), t("training.noneDetail"));
  return html`<ul class="rows">
    ${repeat(trainings, (training) => training.id, row)}
  </ul>`;
}

function row(training) {
  return html`
    <li class="row" data-training=${training.id}>
      <div class="row-head">
        <h3>${whatFor(training)}</h3>
        ${stateBadge(training.state)}
        ${
          training.version
            ? html`<a href=${link({ view: "models" })}>${versionName(training.version)}</a>`
            : nothing
        }
      </div>
      <p class="row-facts">
        <span title=${moment(training.requested_at)}>${ago(training.requested_at)}</span>
        <span>${training.model}</span>
        <code>${training.id.slice(0, 8)}</code>
      </p>
      ${training.state === "running" ? progress(training.progress) : nothing}
      ${training.reason ? html`<p class="reason" lang="en">${training.reason}</p>` : nothing}
    </li>
  `;
}

function whatFor({ symbols }) {
  if (!symbols.length) return t("training.all");
  const shown = symbols.slice(0, SHOWN_SYMBOLS).join(", ");
  const rest = symbols.length - SHOWN_SYMBOLS;
  return rest > 0 ? t("training.andMore", { shown, count: rest }) : shown;
}

/** A bar; without a known end while the first epoch is on its way. */
function progress(told) {
  const { epoch, epochs, loss, validation_loss: validation } = { ...NOTHING_TOLD, ...told };
  return html`
    <div class="progress-line">
      <progress
        class="progress"
        aria-label=${t("training.progress")}
        max=${epochs ?? nothing}
        value=${epoch ?? nothing}
      ></progress>
      ${figure(epoch, () => t("training.epoch", { epoch: number(epoch), epochs: number(epochs) }))}
      ${figure(loss, () => t("training.loss", { loss: number(loss, 4) }))}
      ${figure(validation, () => t("training.validation", { loss: number(validation, 4) }))}
    </div>
  `;
}

const figure = (value, words) => (value === null ? nothing : html`<span>${words()}</span>`);
