/** A reliability diagram: how often closes came at or below each quantile, against the level of the quantile. */

import { percent } from "../core/formats.js";
import { html, svg } from "../core/html.js";
import { t } from "../core/i18n.js";

const SIZE = 300;
const LEFT = 48;
const BOTTOM = 44;
const TOP = 8;
const MARKS = [0, 0.25, 0.5, 0.75, 1];

const x = (share) => LEFT + share * SIZE;
const y = (share) => TOP + (1 - share) * SIZE;
const path = (points) =>
  points.map(([across, up]) => `${x(across).toFixed(1)},${y(up).toFixed(1)}`).join(" ");

/** Draw shares, each `{nominal, observed, consistent: [low, high]}`; a table beside it has to tell the same. */
export function reliability(shares, description) {
  const upper = shares.map(({ nominal, consistent }) => [nominal, consistent[1]]);
  const lower = shares.map(({ nominal, consistent }) => [nominal, consistent[0]]);
  const observed = shares.map((share) => [share.nominal, share.observed]);
  return html`
    <svg
      class="reliability"
      viewBox="0 0 ${LEFT + SIZE + 20} ${TOP + SIZE + BOTTOM}"
      role="img"
      aria-label=${description}
    >
      ${MARKS.map(mark)}
      <polygon class="band" points=${path([...upper, ...lower.reverse()])}></polygon>
      <line class="ideal" x1=${x(0)} y1=${y(0)} x2=${x(1)} y2=${y(1)}></line>
      <polyline class="observed" points=${path(observed)}></polyline>
      ${observed.map(([across, up]) => svg`<circle class="point" cx=${x(across)} cy=${y(up)} r="4"></circle>`)}
      <text class="axis" x=${x(0.5)} y=${TOP + SIZE + 38} text-anchor="middle">
        ${t("models.card.level")}
      </text>
    </svg>
  `;
}

const mark = (share) => svg`
  <line class="grid" x1=${x(share)} y1=${y(0)} x2=${x(share)} y2=${y(1)}></line>
  <line class="grid" x1=${x(0)} y1=${y(share)} x2=${x(1)} y2=${y(share)}></line>
  <text class="axis" x=${x(share)} y=${TOP + SIZE + 18} text-anchor="middle">${percent(share)}</text>
  <text class="axis" x=${LEFT - 8} y=${y(share) + 4} text-anchor="end">${percent(share)}</text>
`;
