/** A wide table that scrolls within itself, so that the page does not; reachable by keyboard. */

import { html } from "../core/html.js";

export const scroller = (label, table) =>
  html`<div class="scroller" role="region" aria-label=${label} tabindex="0">${table}</div>`;
