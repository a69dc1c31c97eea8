/** The symbols that there are forecasts of, to search and pick from. */

import { icon } from "../../components/icons.js";
import { resource } from "../../components/states.js";
import { number, price } from "../../core/formats.js";
import { html, live, nothing, repeat } from "../../core/html.js";
import { t } from "../../core/i18n.js";
import { spread } from "./summary.js";

const SHOWN = 60;

/**
 * @param {object} view
 * @param {import("../../core/resource.js").Resource} view.symbols
 * @param {string[]} view.picked
 * @param {string} view.wanted what was typed into the search box
 */
export const picker = (view) => html`
  <form class="search" role="search" @submit=${(event) => submit(event, view)}>
    <label class="visually-hidden" for="symbol-search">${t("picker.search")}</label>
    ${icon("search")}
    <input
      id="symbol-search"
      type="search"
      autocomplete="off"
      autocapitalize="characters"
      spellcheck="false"
      placeholder=${t("picker.placeholder")}
      .value=${live(view.wanted)}
      @input=${(event) => view.search(event.target.value)}
      @keydown=${(event) => event.key === "ArrowDown" && focusRow(event, 0)}
    />
  </form>
  ${resource(view.symbols, (symbols) => list(view, symbols), { lines: 5 })}
`;

function list(view, symbols) {
  const found = matching(symbols, view.wanted);
  return html`
    ${found.length ? head() : nothing}
    <ul class="symbols" aria-label=${t("picker.symbols")} @keydown=${move}>
      ${repeat(
        found.slice(0, SHOWN),
        (row) => row.symbol,
        (row) => item(view, row),
      )}
    </ul>
    ${found.length > SHOWN ? html`<p class="quiet">${t("picker.more", { count: found.length - SHOWN })}</p>` : nothing}
    ${lookUp(view, symbols)}
  `;
}

/** What the two lines of figures in each row are. */
const head = () => html`
  <p class="symbols-head">
    <span>${t("forecast.lastClose")}</span>
    <span>${t("picker.nextInterval")}</span>
  </p>
`;

function item(view, row) {
  const isPicked = view.picked.includes(row.symbol);
  return html`
    <li class=${isPicked ? "is-picked" : ""}>
      <button
        class="symbol"
        aria-current=${isPicked ? "true" : nothing}
        @click=${() => view.pick([row.symbol])}
      >
        <span class="symbol-name">${row.symbol}</span>
        <span class="symbol-price">${price(row.last_close, row.currency)}</span>
        <span class="symbol-spread" title=${inWords(row)}>
          ${spread(row.last_close, row.lower_80, row.upper_80)}
          <span class="visually-hidden">${inWords(row)}</span>
        </span>
      </button>
      <button
        class="icon-button"
        aria-pressed=${isPicked}
        aria-label=${t("picker.compare", { symbol: row.symbol })}
        title=${t("picker.compare", { symbol: row.symbol })}
        @click=${() => view.toggle(row.symbol)}
      >
        ${icon(isPicked ? "check" : "plus")}
      </button>
    </li>
  `;
}

const inWords = ({ lower_80: lower, upper_80: upper, currency }) =>
  t("picker.inWords", { lower: price(lower, currency), upper: price(upper, currency) });

/** A symbol that is not among those forecast can be asked for all the same. */
function lookUp(view, symbols) {
  const wanted = view.wanted.trim().toUpperCase();
  if (!wanted || symbols.some((row) => isNamed(row, wanted))) return nothing;
  return html`<button class="button wide" @click=${() => view.pick([wanted])}>
    ${t("picker.lookUp", { symbol: wanted })}
  </button>`;
}

function submit(event, view) {
  event.preventDefault();
  const wanted = view.wanted.trim().toUpperCase();
  const rows = matching(view.symbols.value ?? [], wanted);
  if (wanted) view.pick([rows.find((row) => isNamed(row, wanted))?.symbol ?? rows[0]?.symbol ?? wanted]);
}

const isNamed = (row, wanted) => row.symbol === wanted || row.symbol === `${wanted}.SA`;

function matching(symbols, wanted) {
  const part = wanted.trim().toUpperCase();
  return symbols.filter((row) => row.symbol.includes(part));
}

function move(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const rows = [...event.currentTarget.querySelectorAll(".symbol")];
  const at = rows.indexOf(event.target.closest("li").querySelector(".symbol"));
  event.preventDefault();
  (rows[at + step] ?? (step < 0 ? document.getElementById("symbol-search") : rows[at])).focus();
}

function focusRow(event, index) {
  event.preventDefault();
  document.querySelectorAll(".symbols .symbol")[index]?.focus();
}

/** How many there are, for the heading. */
export const countOf = (symbols) => (symbols.value ? number(symbols.value.length) : "");
