/** The icons: outlines on a grid of 24, in the colour of the text beside them. */

import { html } from "../core/html.js";

const PATHS = {
  forecast: "M3 15l5-6 4 4 3-2m0 0 6-5M15 11l6 8",
  accuracy: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm0-5a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm0-4h.01",
  models: "M12 3l8 4.5-8 4.5-8-4.5L12 3ZM4 12l8 4.5 8-4.5M4 16.5 12 21l8-4.5",
  training: "M5 4v16M5 20h15M9 16v-5m4 5V7m4 9v-7",
  system: "M4 5h16v6H4V5Zm0 8h16v6H4v-6Zm3-5h.01M7 16h.01",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm5-2 5 5",
  upload: "M12 16V4m0 0L7 9m5-5 5 5M4 17v3h16v-3",
  close: "M6 6l12 12M18 6 6 18",
  plus: "M12 5v14M5 12h14",
  check: "M5 13l4 4L19 7",
  warning: "M12 4 2.5 20h19L12 4Zm0 6v4m0 3h.01",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm0-14v5l3 2",
  auto: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm0-18v18M12 6h6M12 9h8M12 12h9M12 15h8M12 18h6",
  light:
    "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm0-14v2m0 16v2M2 12h2m16 0h2M5 5l1.4 1.4m11.2 11.2L19 19M19 5l-1.4 1.4M6.4 17.6 5 19",
  dark: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5Z",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7 8c.7-3.5 3.5-5 7-5s6.3 1.5 7 5",
  table: "M4 5h16v14H4V5Zm0 5h16M4 14.5h16M10 10v9",
  chart: "M4 4v16h16M8 15l3-4 3 2 5-6",
};

/** An icon; decoration only, its words stand beside it. */
export const icon = (name) =>
  html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${PATHS[name]}></path></svg>`;
