/** Several symbols beside each other, in a line each. */

import { versionName } from "../../components/badges.js";
import { scroller } from "../../components/scroller.js";
import { price } from "../../core/formats.js";
import { html, nothing } from "../../core/html.js";
import { t } from "../../core/i18n.js";
import { interval, spreadOf } from "./summary.js";

/** Nothing where there is nothing to compare. */
export function comparison(cards) {
  const answers = cards.map((card) => card.forecast.value).filter((answer) => answer && !answer.isFetching);
  if (answers.length < 2) return nothing;
  return html`<section class="card" aria-labelledby="comparison">
    <h3 id="comparison">${t("comparison.title")}</h3>
    ${scroller(
      t("comparison.title"),
      html`<table class="numbers">
        <thead>
          <tr>
            <th scope="col">${t("comparison.symbol")}</th>
            <th scope="col">${t("forecast.lastClose")}</th>
            ${intervalHead(t("forecast.nextClose"))} ${intervalHead(t("forecast.inSessions", { count: 10 }))}
            <th scope="col">${t("comparison.model")}</th>
          </tr>
        </thead>
        <tbody>
          ${answers.map(line)}
        </tbody>
      </table>`,
    )}
  </section>`;
}

const intervalHead = (name) =>
  html`<th scope="col">${name} <span class="below">${t("forecast.interval80")}</span></th>`;

const intervalCell = (answer, step) =>
  html`<td>${interval(step)} <span class="below">${spreadOf(answer, step)}</span></td>`;

function line(answer) {
  const [next] = answer.forecast;
  const last = answer.forecast.at(-1);
  return html`<tr>
    <th scope="row">${answer.symbol}</th>
    <td>${price(answer.last_close, answer.currency)}</td>
    ${intervalCell(answer, next)} ${intervalCell(answer, last)}
    <td>${versionName(answer.version)}</td>
  </tr>`;
}
