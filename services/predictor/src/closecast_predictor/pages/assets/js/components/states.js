/** What stands in for something that is not there: loading, empty, failed. */

import { html, nothing } from "../core/html.js";
import { t } from "../core/i18n.js";
import { icon } from "./icons.js";

/** Grey bars while something loads for the first time. */
export const loading = (lines = 3) => html`
  <div class="loading" role="status">
    <span class="visually-hidden">${t("state.loading")}</span>
    ${Array.from({ length: lines }, () => html`<span class="bone"></span>`)}
  </div>
`;

/** Nothing is there, and what to do about it. */
export const empty = (title, detail, action = nothing) => html`
  <div class="empty">
    <p class="empty-title">${title}</p>
    <p>${detail}</p>
    ${action}
  </div>
`;

/** What went wrong, in the server's words, and a way on. */
export function failure(error, { again = null, retryAt = null } = {}) {
  return html`
    <div class="failure" role="alert">
      ${icon("warning")}
      <div>
        <p class="failure-title">${error.title || t("problem.page")}</p>
        <p>${error.message}</p>
        ${retryAt ? html`<p class="quiet">${t("state.retrying")}</p>` : nothing}
        <p class="actions">
          ${error.status === 401 ? html`<button class="button" @click=${askToSignIn}>${t("account.signIn")}</button>` : nothing}
          ${again ? html`<button class="button" @click=${again}>${t("state.again")}</button>` : nothing}
        </p>
      </div>
    </div>
  `;
}

/** A resource: its value in a template, with whatever went wrong since above it. */
export function resource(loaded, template, { lines = 3 } = {}) {
  const again = () => loaded.start();
  const failed = loaded.error ? failure(loaded.error, { again, retryAt: loaded.retryAt }) : nothing;
  if (loaded.value === null) return loaded.error ? failed : loading(lines);
  return html`${failed}${template(loaded.value)}`;
}

function askToSignIn() {
  document.dispatchEvent(new CustomEvent("closecast:sign-in"));
}
