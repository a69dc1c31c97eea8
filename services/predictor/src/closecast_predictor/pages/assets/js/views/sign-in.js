/** Signing in: with a name and a password where the predictor has users, else with a key or a token. */

import { ask } from "../components/dialog.js";
import * as account from "../core/account.js";
import * as api from "../core/api.js";
import { html, nothing } from "../core/html.js";
import { t } from "../core/i18n.js";

/**
 * Ask who the reader is.
 * @param {{login: boolean}} access what the predictor takes
 * @returns {Promise<boolean>} whether someone signed in
 */
export async function signIn(access) {
  const state = { error: null, isSending: false, byKey: !access.login };
  const done = await ask((answer, draw) => ({
    title: t("account.signIn"),
    submit: (event) => submit(event, state, answer, draw),
    content: html`
      ${state.byKey ? key() : password()}
      ${state.error ? html`<p class="form-error" role="alert">${state.error.message}</p>` : nothing}
      ${access.login ? other(state, draw) : nothing}
    `,
    action: html`<button class="button primary" ?disabled=${state.isSending}>${t("account.signIn")}</button>`,
  }));
  return done === true;
}

const password = () => html`
  ${field("username", t("account.name"), "text", "username")}
  ${field("password", t("account.password"), "password", "current-password")}
`;

const key = () => field("token", t("account.token"), "password", "off");

const field = (name, label, type, autocomplete) => html`
  <div class="field">
    <label for=${name}>${label}</label>
    <input id=${name} name=${name} type=${type} autocomplete=${autocomplete} required />
  </div>
`;

const other = (state, draw) =>
  html`<button
    class="link-button"
    type="button"
    @click=${() => {
      Object.assign(state, { byKey: !state.byKey, error: null });
      draw();
    }}
  >
    ${t(state.byKey ? "account.byPassword" : "account.byToken")}
  </button>`;

async function submit(event, state, answer, draw) {
  event.preventDefault();
  const values = new FormData(event.target);
  if (state.byKey) {
    account.signIn(t("account.keyHolder"), values.get("token").trim());
    answer(true);
    return;
  }
  Object.assign(state, { error: null, isSending: true });
  draw();
  try {
    const { access_token: token } = await api.login(values.get("username"), values.get("password"));
    account.signIn(values.get("username"), token);
    answer(true);
  } catch (error) {
    Object.assign(state, { error, isSending: false });
    draw();
  }
}
