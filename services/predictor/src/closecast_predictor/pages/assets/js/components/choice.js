/** One of a few: buttons in a row, of which one is pressed. */

import { html } from "../core/html.js";

/**
 * @param {string} label what is chosen, for those who do not see the row
 * @param {{value: any, text: any, label?: string}[]} options
 */
export const choice = (label, options, chosen, choose) => html`
  <div class="choice" role="group" aria-label=${label}>
    ${options.map(
      ({ value, text, label: name }) => html`
        <button
          type="button"
          aria-pressed=${value === chosen}
          aria-label=${name ?? text}
          title=${name ?? ""}
          @click=${() => choose(value)}
        >
          ${text}
        </button>
      `,
    )}
  </div>
`;
