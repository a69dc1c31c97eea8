/** The model card of a version: what its figures say, by horizon and symbol, and what it must not be used for. */

import { reliability } from "../charts/reliability.js";
import { scroller } from "../components/scroller.js";
import { change, number, percent, session } from "../core/formats.js";
import { html, nothing } from "../core/html.js";
import { t } from "../core/i18n.js";

const REFERENCES = ["naive", "base", "champion", "panel"];

/** A card as the API has it; null for a version that was made before there were cards. */
export function modelCard(card) {
  if (!card) return html`<p class="quiet">${t("models.card.none")}</p>`;
  return html`
    ${lines("findings", card.findings)} ${lines("outOfScope", card.out_of_scope)}
    <p class="quiet">${judgedOn(card.data)}</p>
    ${calibration(card.overall.calibration)} ${byHorizon(card)} ${bySymbol(card.symbols)}
    ${lines("intendedUse", card.intended_use)} ${lines("caveats", card.caveats)}
  `;
}

/** Sentences of the trainer, which speaks English. */
const lines = (title, sentences) => html`
  <section>
    <h4>${t(`models.card.${title}`)}</h4>
    <ul class="sentences" lang="en">
      ${sentences.map((sentence) => html`<li>${sentence}</li>`)}
    </ul>
  </section>
`;

const judgedOn = ({ slices, origins, symbols }) =>
  t("models.card.judgedOn", {
    symbols: number(symbols.length),
    origins: number(origins),
    trainedFrom: session(slices.training.start),
    trainedTo: session(slices.training.end),
    from: session(slices.test.start),
    to: session(slices.test.end),
  });

function calibration(found) {
  if (!found) return nothing;
  const astray = found.quantiles.filter(isAstray).map(({ nominal }) => percent(nominal, 1));
  const words = astray.length
    ? t("models.card.astray", { levels: astray.join(", ") })
    : t("models.card.calibrated");
  return html`
    <section>
      <h4>${t("models.card.reliability")}</h4>
      <div class="calibration">
        ${reliability(found.quantiles, words)}
        ${scroller(t("models.card.reliability"), shares(found.quantiles))}
      </div>
      <p class="quiet">${words} ${t("models.card.bandMeaning")}</p>
    </section>
  `;
}

const isAstray = ({ observed, consistent: [low, high] }) => observed < low || observed > high;

const shares = (quantiles) => html`
  <table class="numbers">
    <thead>
      <tr>
        <th scope="col">${t("models.card.level")}</th>
        <th scope="col">${t("models.card.observed")}</th>
        <th scope="col">${t("models.card.band")}</th>
      </tr>
    </thead>
    <tbody>
      ${quantiles.map(
        ({ nominal, observed, consistent: [low, high] }) => html`
          <tr>
            <th scope="row">${percent(nominal, 1)}</th>
            <td>${percent(observed, 1)}</td>
            <td>${percent(low, 1)} – ${percent(high, 1)}</td>
          </tr>
        `,
      )}
    </tbody>
  </table>
`;

function byHorizon({ by_horizon: horizons, overall }) {
  const references = REFERENCES.filter((name) => name in overall.against);
  const intervals = overall.calibration?.intervals ?? [];
  const title = t("models.card.byHorizon");
  return scroller(
    title,
    html`<table class="numbers">
      <caption>
        ${title}
      </caption>
      <thead>
        <tr>
          <th scope="col">${t("record.horizon")}</th>
          ${references.map((name) => html`<th scope="col">${t("models.card.against", { name })}</th>`)}
          ${intervals.map(({ nominal }) => html`<th scope="col">${inside(nominal)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${[...horizons, overall].map(
          ({ horizon, against, calibration: found }) => html`
            <tr>
              <th scope="row">${horizon === null ? t("models.card.all") : number(horizon)}</th>
              ${references.map((name) => html`<td>${difference(against[name]?.pinball)}</td>`)}
              ${intervals.map((_, at) => html`<td>${percent(found?.intervals[at].observed, 1)}</td>`)}
            </tr>
          `,
        )}
      </tbody>
    </table>`,
  );
}

function bySymbol(symbols) {
  const title = t("models.card.bySymbol");
  return html`
    <details class="more">
      <summary>${title}</summary>
      ${scroller(
        title,
        html`<table class="numbers">
          <thead>
            <tr>
              <th scope="col">${t("comparison.symbol")}</th>
              <th scope="col">${t("models.card.against", { name: "base" })}</th>
              <th scope="col">${t("models.card.against", { name: "naive" })}</th>
              <th scope="col">${inside(0.8)}</th>
              <th scope="col">${inside(0.95)}</th>
            </tr>
          </thead>
          <tbody>
            ${symbols.map(
              ({ symbol, against, coverage }) => html`
                <tr>
                  <th scope="row">${symbol}</th>
                  <td>${difference(against.base)}</td>
                  <td>${difference(against.naive)}</td>
                  <td>${percent(coverage[1], 1)}</td>
                  <td>${percent(coverage[2], 1)}</td>
                </tr>
              `,
            )}
          </tbody>
        </table>`,
      )}
    </details>
  `;
}

const inside = (nominal) => t("models.card.inside", { share: percent(nominal) });

/** A difference of mean losses as a share of the reference's, with its confidence interval. */
function difference(found) {
  if (!found?.reference) return "–";
  const share = (value) => change(value / found.reference, 2);
  const interval = found.interval ? ` (${found.interval.map(share).join(" … ")})` : "";
  return share(found.mean) + interval;
}
