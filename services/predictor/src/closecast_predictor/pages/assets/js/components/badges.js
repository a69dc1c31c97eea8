/** States in a word: colour never says it alone. */

import { html } from "../core/html.js";
import { known, t } from "../core/i18n.js";

const TONES = {
  promoted: "good",
  serving: "good",
  ready: "good",
  running: "accent",
  queued: "quiet",
  rejected: "warn",
  failed: "bad",
};

/** A word on a tinted ground. */
export const badge = (text, tone = "quiet") => html`<span class="badge is-${tone}">${text}</span>`;

/** The state of a training or a model version. */
export const stateBadge = (state) => badge(known(`outcome.${state}`, state), TONES[state] ?? "quiet");

/** Version that spoke: "base" has a name, others a number. */
export const versionName = (version) =>
  version === "base" ? t("models.base") : t("models.version", { version });
