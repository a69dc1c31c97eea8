/** Short notes about what was just done, at the edge of the page. */

import { announce } from "../core/announce.js";
import { html, repeat } from "../core/html.js";
import { t } from "../core/i18n.js";
import { icon } from "./icons.js";

const SHOWN_MS = 9000;

/** Notes that go away by themselves, except those about failures. */
export class Notices {
  constructor(changed) {
    this._changed = changed;
    this._notices = [];
  }

  /** Tell that something was done. */
  tell(text) {
    const notice = this._add({ text, isFailure: false });
    announce(text);
    setTimeout(() => this._remove(notice), SHOWN_MS);
  }

  /** Tell that something failed. */
  fail(error) {
    this._add({ text: error.message, isFailure: true });
  }

  template() {
    return html`<div class="notices">
      ${repeat(
        this._notices,
        (notice) => notice,
        (notice) => html`
          <div
            class="notice ${notice.isFailure ? "is-failure" : ""}"
            role=${notice.isFailure ? "alert" : "note"}
          >
            ${icon(notice.isFailure ? "warning" : "check")}
            <p>${notice.text}</p>
            <button
              class="icon-button"
              aria-label=${t("action.dismiss")}
              @click=${() => this._remove(notice)}
            >
              ${icon("close")}
            </button>
          </div>
        `,
      )}
    </div>`;
  }

  _add(notice) {
    this._notices = [...this._notices, notice];
    this._changed();
    return notice;
  }

  _remove(notice) {
    this._notices = this._notices.filter((one) => one !== notice);
    this._changed();
  }
}
