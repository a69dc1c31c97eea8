/** The figures of a forecast, and who made it from what. */

import { badge, versionName } from "../../components/badges.js";
import { icon } from "../../components/icons.js";
import { change, number, percent, plusMinus, price, session, span, weekday } from "../../core/formats.js";
import { html, nothing } from "../../core/html.js";
import { t } from "../../core/i18n.js";

/** Names of markets; a ticker of the US does not tell which of its exchanges lists it. */
const EXCHANGES = { BVMF: "B3", XNYS: "US" };
const STALE_S = 5 * 86_400;

/** Where a symbol is listed, and in which currency. */
export function listing({ exchange, currency }) {
  return [EXCHANGES[exchange] ?? exchange, currency].filter(Boolean).join(" · ");
}

/** How far a close may lie from the last one: half the width between two bounds, beside the last close. */
export const spread = (lastClose, lower, upper) => plusMinus((upper - lower) / 2 / lastClose);

/** How far the close of one horizon may lie from the last one, by its 80 % interval. */
export const spreadOf = (answer, { quantiles }) =>
  spread(answer.last_close, quantiles["0.1"], quantiles["0.9"]);

/** Bounds of the 80 % interval of one horizon. */
export const interval = ({ quantiles }) => `${price(quantiles["0.1"])} – ${price(quantiles["0.9"])}`;

/** Last close, and how far the next and the one at the end of the horizon may go: the median is the last close. */
export function figures(answer) {
  const [next] = answer.forecast;
  const last = answer.forecast.at(-1);
  return html`
    <dl class="figures">
      ${figure(t("forecast.lastClose"), price(answer.last_close, answer.currency), session(answer.origin))}
      ${figure(t("forecast.nextClose"), interval(next), howFar(answer, next), "is-main")}
      ${figure(t("forecast.inSessions", { count: last.horizon }), interval(last), howFar(answer, last))}
    </dl>
  `;
}

const figure = (name, value, note, kind = "") => html`
  <div class="figure ${kind}">
    <dt>${name}</dt>
    <dd class="value">${value}</dd>
    <dd class="note">${note}</dd>
  </div>
`;

const howFar = (answer, step) =>
  html`<span>${t("forecast.interval80")}</span> <span>${spreadOf(answer, step)}</span> ${when(step)}`;

const when = (step) => (step.session ? html`<span class="when">${weekday(step.session)}</span>` : nothing);

/** Which model spoke and why, how good it is, and how old the data are. */
export function provenance(answer) {
  return html`
    <p class="provenance">
      <span class="speaker">
        ${badge(`${answer.model} · ${versionName(answer.version)}`, "accent")} ${skillBadge(answer.skill)}
      </span>
      ${answer.why ? html`<span class="why" lang="en">${answer.why}</span>` : nothing}
      ${dataAge(answer.data_age_seconds)}
    </p>
  `;
}

function skillBadge(skill) {
  if (skill === null || skill === undefined) return nothing;
  const words = t("forecast.skill", { skill: change(skill) });
  return html`<span title=${t("forecast.skillMeaning")}>${badge(words, skill > 0 ? "good" : "warn")}</span>`;
}

function dataAge(seconds) {
  if (seconds === null || seconds === undefined) return nothing;
  const isStale = seconds > STALE_S;
  return html`<span class="age ${isStale ? "is-stale" : ""}">
    ${icon(isStale ? "warning" : "clock")} ${t("forecast.dataAge", { age: span(seconds) })}
  </span>`;
}

/** The whole forecast in numbers. */
export function forecastTable(answer) {
  return html`
    <table class="numbers">
      <caption class="visually-hidden">
        ${t("forecast.tableOf", { symbol: answer.symbol ?? t("upload.yours") })}
      </caption>
      <thead>
        <tr>
          <th scope="col">${t("forecast.session")}</th>
          <th scope="col">${t("forecast.median")}</th>
          <th scope="col">${percent(0.5)}</th>
          <th scope="col">${percent(0.8)}</th>
          <th scope="col">${percent(0.95)}</th>
        </tr>
      </thead>
      <tbody>
        ${answer.forecast.map(
          ({ horizon, session: day, median, quantiles }) => html`
            <tr>
              <th scope="row">${day ? weekday(day) : `+${number(horizon)}`}</th>
              <td>${price(median)}</td>
              <td>${price(quantiles["0.25"])} – ${price(quantiles["0.75"])}</td>
              <td>${interval({ quantiles })}</td>
              <td>${price(quantiles["0.025"])} – ${price(quantiles["0.975"])}</td>
            </tr>
          `,
        )}
      </tbody>
    </table>
  `;
}
