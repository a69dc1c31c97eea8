/** What stands around every view: the name, the way to the views, language, theme and who is signed in. */

import * as account from "../core/account.js";
import { VIEWS, link } from "../core/address.js";
import { html, nothing } from "../core/html.js";
import { LANGUAGES, current, t } from "../core/i18n.js";
import { THEMES, choose, chosen } from "../core/theme.js";
import { choice } from "./choice.js";
import { icon } from "./icons.js";

/**
 * @param {object} app
 * @param {string} app.view name of the view that is shown
 * @param {string[]} app.symbols symbols to come back to
 */
export const shell = (app, content) => html`
  <a class="skip" href="#content" @click=${skip}>${t("shell.skip")}</a>
  <header class="top">
    <a class="brand" href=${link({ symbols: app.symbols })}>
      <img src="assets/icon.svg" alt="" width="28" height="28" />
      <span>Closecast</span>
    </a>
    <nav class="views" aria-label=${t("shell.views")}>${VIEWS.map((view) => tab(app, view))}</nav>
    <div class="tools">
      ${status(app.ready)}
      ${choice(
        t("shell.language"),
        Object.entries(LANGUAGES).map(([value, label]) => ({ value, text: value.toUpperCase(), label })),
        current(),
        app.speak,
      )}
      ${choice(
        t("shell.theme"),
        THEMES.map((value) => ({ value, text: icon(value), label: t(`shell.themes.${value}`) })),
        chosen(),
        (theme) => app.set(() => choose(theme)),
      )}
      ${who(app)}
    </div>
  </header>
  <main id="content" tabindex="-1">
    <h1>${t(`views.${app.view}`)}</h1>
    ${content}
  </main>
  <footer class="foot">
    <p>${t("shell.disclaimer")}</p>
    <p><a href="docs">${t("shell.api")}</a> · <a href="metrics">${t("shell.metrics")}</a></p>
  </footer>
  ${app.notices.template()}
`;

const tab = (app, view) =>
  html`<a
    href=${link({ view, symbols: view === VIEWS[0] ? app.symbols : [] })}
    aria-current=${view === app.view ? "page" : nothing}
  >
    ${icon(view)} <span>${t(`views.${view}`)}</span>
  </a>`;

function status({ value, error }) {
  const [state, words] = error
    ? ["bad", error.status === 503 ? t("system.starting") : t("system.notReady")]
    : value
      ? ["good", t("system.ready")]
      : ["quiet", t("state.loading")];
  return html`<a class="status is-${state}" href=${link({ view: "system" })} title=${error?.message ?? words}>
    <span class="dot" aria-hidden="true"></span
    ><span class="visually-hidden">${t("views.system")}: </span>${words}
  </a>`;
}

function who(app) {
  if (!app.access.value?.auth) return nothing;
  const name = account.signedIn();
  return name
    ? html`<button class="button" @click=${app.signOut}>
        ${icon("person")} ${t("account.signOut", { name })}
      </button>`
    : html`<button class="button" @click=${app.signIn}>${icon("person")} ${t("account.signIn")}</button>`;
}

/** The address holds the state of the pages, so the jump is made here. */
function skip(event) {
  event.preventDefault();
  document.getElementById("content").focus();
}
