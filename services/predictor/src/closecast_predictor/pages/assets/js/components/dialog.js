/** Questions that must be answered before anything goes on: the browser's own modal dialog. */

import { html, nothing, render } from "../core/html.js";
import { t } from "../core/i18n.js";

/**
 * Show a dialog until it is answered.
 * @param {(answer: (value: any) => void) => {title: string, content: any, action: any}} compose
 * @returns {Promise<any>} what it was answered with, undefined if it was put away
 */
export function ask(compose) {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  dialog.setAttribute("aria-labelledby", "dialog-title");
  const before = document.activeElement;
  return new Promise((resolve) => {
    let answered;
    const answer = (value) => {
      answered = value;
      dialog.close();
    };
    dialog.addEventListener("close", () => {
      dialog.remove();
      before?.focus?.();
      resolve(answered);
    });
    const draw = () => render(frame(compose(answer, draw), dialog), dialog);
    draw();
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Ask whether to go on; true only for a plain yes. */
export async function confirm({ title, content, action }) {
  const answer = await ask((reply) => ({
    title,
    content: html`<p>${content}</p>`,
    action: html`<button class="button primary" @click=${() => reply(true)}>${action}</button>`,
  }));
  return answer === true;
}

const frame = ({ title, content, action, submit = nothing }, dialog) => html`
  <form method="dialog" @submit=${submit} novalidate>
    <h2 id="dialog-title">${title}</h2>
    ${content}
    <div class="dialog-actions">
      <button class="button" type="button" @click=${() => dialog.close()}>${t("action.cancel")}</button>
      ${action}
    </div>
  </form>
`;
