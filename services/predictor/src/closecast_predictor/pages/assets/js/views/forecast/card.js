/** The card of a symbol: its forecast, the chart, who spoke, and the record. */

import { icon } from "../../components/icons.js";
import { failure, loading, resource } from "../../components/states.js";
import { html, nothing } from "../../core/html.js";
import { t } from "../../core/i18n.js";
import { fan } from "./fan.js";
import { figures, listing, provenance } from "./summary.js";
import { trackRecord } from "./track-record.js";

/** A symbol's card, whatever of it is there. */
export function card(state, { close, isOnly }) {
  const answer = state.forecast.value;
  return html`
    <article class="card" aria-labelledby="card-${state.symbol}" data-symbol=${state.symbol}>
      <header class="card-head">
        <h3 id="card-${state.symbol}">${state.symbol}</h3>
        ${answer && !answer.isFetching ? html`<p class="listing">${listing(answer)}</p>` : nothing}
        <button
          class="icon-button"
          aria-label=${t("picker.remove", { symbol: state.symbol })}
          @click=${close}
        >
          ${icon("close")}
        </button>
      </header>
      ${body(state, isOnly)}
    </article>
  `;
}

function body(state, isOnly) {
  const { value, error } = state.forecast;
  if (error?.status === 404 && (value === null || value.isFetching)) return unknown(state);
  if (error && value?.isFetching) return failed(state.forecast);
  return resource(
    state.forecast,
    (answer) => (answer.isFetching ? fetching(state) : forecast(state, answer, isOnly)),
    { lines: 6 },
  );
}

function forecast(state, answer, isOnly) {
  const history = upTo(answer.origin, state.quotes.value ?? []);
  return html`
    ${figures(answer)} ${provenance(answer)}
    ${state.quotes.error ? failure(state.quotes.error, { again: () => state.quotes.start() }) : nothing}
    ${fan(state, answer, history)}
    <details class="more" ?open=${isOnly}>
      <summary>${t("record.title")}</summary>
      ${trackRecord(state, answer.currency)}
    </details>
  `;
}

/** Quotes may be ahead of the forecast for a moment: the fan begins where the forecast did. */
function upTo(origin, quotes) {
  return quotes.filter((quote) => quote.session <= origin);
}

const unknown = (state) => html`
  <div class="empty">
    <p class="empty-title">${t("fetch.unknown", { symbol: state.symbol })}</p>
    <p lang="en">${state.forecast.error.message}</p>
    <button class="button primary" @click=${() => state.fetchQuotes()}>${t("fetch.ask")}</button>
  </div>
`;

const failed = (forecast) =>
  failure(forecast.error, { again: () => forecast.start(), retryAt: forecast.retryAt });

const fetching = (state) => html`
  <div class="empty" role="status">
    <p class="empty-title">${t("fetch.underWay", { symbol: state.symbol })}</p>
    <p>${t("fetch.wait")}</p>
    ${loading(2)}
  </div>
`;
