/** Forecasts of files: a file chosen or dropped, what the server answers, and the closes that it holds. */

import { icon } from "../../components/icons.js";
import { failure, loading } from "../../components/states.js";
import * as api from "../../core/api.js";
import { announce } from "../../core/announce.js";
import { html, nothing } from "../../core/html.js";
import { t } from "../../core/i18n.js";
import { closesOf } from "./closes.js";
import { fan } from "./fan.js";
import { figures, provenance } from "./summary.js";

/** One file and its forecast. */
export class Upload {
  constructor(file, changed) {
    this.file = file;
    this.answer = null;
    this.error = null;
    this.history = [];
    this.isTable = false;
    this._changed = changed;
  }

  set(values) {
    Object.assign(this, values);
    this._changed();
  }

  /** Send the file; its answer or error is shown when it comes. */
  async send() {
    this.set({ error: null, answer: null });
    try {
      const answer = await api.forecastFile(this.file);
      this.set({ answer, history: closesOf(await this.file.text(), answer) });
      announce(t("upload.done", { name: this.file.name }));
    } catch (error) {
      this.set({ error });
    }
  }
}

/** Where a file is chosen or dropped. */
export const dropZone = (view) => html`
  <section
    class="drop ${view.isDropping ? "is-over" : ""}"
    aria-labelledby="upload-title"
    @dragover=${(event) => over(event, view, true)}
    @dragleave=${(event) => over(event, view, false)}
    @drop=${(event) => dropped(event, view)}
  >
    <h2 id="upload-title">${t("upload.title")}</h2>
    <p class="quiet" id="upload-help">${t("upload.help")}</p>
    <label class="button wide file-button">
      ${icon("upload")} ${t("upload.choose")}
      <input
        class="visually-hidden"
        type="file"
        accept=".csv,text/csv"
        multiple
        aria-describedby="upload-help"
        @change=${(event) => chosen(event, view)}
      />
    </label>
  </section>
`;

/** The card of a file. */
export const uploadCard = (upload, close) => html`
  <article class="card" aria-label=${upload.file.name}>
    <header class="card-head">
      <h3>${upload.answer?.symbol ?? upload.file.name}</h3>
      <p class="listing">${upload.answer?.symbol ? upload.file.name : t("upload.yours")}</p>
      <button
        class="icon-button"
        aria-label=${t("picker.remove", { symbol: upload.file.name })}
        @click=${close}
      >
        ${icon("close")}
      </button>
    </header>
    ${content(upload)}
  </article>
`;

function content(upload) {
  if (upload.error) return failure(upload.error, { again: () => upload.send() });
  if (!upload.answer) return loading(6);
  return html`${figures(upload.answer)} ${provenance(upload.answer)}
  ${fan(upload, upload.answer, upload.history)}
  ${upload.history.length ? nothing : html`<p class="quiet">${t("upload.noHistory")}</p>`}`;
}

function over(event, view, isDropping) {
  event.preventDefault();
  view.set({ isDropping });
}

function dropped(event, view) {
  over(event, view, false);
  view.upload(event.dataTransfer.files);
}

function chosen(event, view) {
  view.upload(event.target.files);
  event.target.value = ""; // the same file may be chosen again
}
