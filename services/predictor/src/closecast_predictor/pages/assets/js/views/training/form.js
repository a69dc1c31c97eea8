/** The form that asks for a new model version. */

import { html, nothing } from "../../core/html.js";
import { t } from "../../core/i18n.js";

/** Fields of a request: how each is typed, and within which bounds. */
const FIELDS = [
  { name: "symbols", type: "text" },
  { name: "start_date", type: "date" },
  { name: "end_date", type: "date" },
  { name: "epochs", type: "number", min: 1 },
  { name: "batch_size", type: "number", min: 1 },
  { name: "prediction_steps", type: "number", min: 1, max: 10 },
];

/**
 * @param {{error: object | null, isSending: boolean, send: (wanted: object) => void}} state
 */
export const form = (state) => html`
  <form class="form" novalidate @submit=${(event) => submit(event, state)}>
    <p class="lead">${t("training.lead")}</p>
    <div class="fields">${FIELDS.map((shape) => field(shape, state.error))}</div>
    ${state.error ? html`<p class="form-error" role="alert">${state.error.message}</p>` : nothing}
    <button class="button primary" ?disabled=${state.isSending}>${t("training.send")}</button>
  </form>
`;

function field({ name, type, min, max }, error) {
  const reason = reasonFor(name, error);
  const isWrong = reason !== undefined;
  return html`
    <div class="field ${name === "symbols" ? "is-wide" : ""}">
      <label for=${name}>${t(`training.fields.${name}`)}</label>
      <input
        id=${name}
        name=${name}
        type=${type}
        min=${min ?? nothing}
        max=${max ?? nothing}
        autocomplete="off"
        spellcheck="false"
        aria-describedby="${name}-help ${isWrong ? `${name}-error` : ""}"
        aria-invalid=${isWrong}
      />
      <p class="quiet" id="${name}-help">${t(`training.help.${name}`)}</p>
      ${isWrong ? html`<p class="field-error" id="${name}-error">${reason}</p>` : nothing}
    </div>
  `;
}

/** What the server said of a field, which it names by its path. */
const reasonFor = (name, error) => error?.errors?.find((one) => one.field.split(".").includes(name))?.reason;

function submit(event, state) {
  event.preventDefault();
  const values = new FormData(event.target);
  const wanted = {};
  for (const { name, type } of FIELDS) {
    const value = values.get(name).trim();
    if (value) wanted[name] = type === "number" ? Number(value) : value;
  }
  if (wanted.symbols) wanted.symbols = wanted.symbols.split(/[\s,;]+/).filter(Boolean);
  state.send(wanted);
}
