/** The pages: one view at a time, drawn anew whenever something changed. */

import { Notices } from "./components/notices.js";
import { shell } from "./components/shell.js";
import { failure } from "./components/states.js";
import * as account from "./core/account.js";
import * as address from "./core/address.js";
import { announce } from "./core/announce.js";
import * as api from "./core/api.js";
import { render } from "./core/html.js";
import { preferred, speak, t } from "./core/i18n.js";
import { Resource } from "./core/resource.js";
import { preferences } from "./core/storage.js";
import { AccuracyView } from "./views/accuracy.js";
import { ForecastView } from "./views/forecast/view.js";
import { ModelsView } from "./views/models.js";
import { signIn } from "./views/sign-in.js";
import { SystemView } from "./views/system.js";
import { TrainingView } from "./views/training/view.js";

const READY_S = 10;
const VIEWS = {
  forecast: ForecastView,
  accuracy: AccuracyView,
  models: ModelsView,
  training: TrainingView,
  system: SystemView,
};

class App {
  constructor(root) {
    this._root = root;
    this._isDrawing = false;
    this._isAsking = false;
    this._hasAsked = false;
    this._views = new Map();
    this.view = null;
    this.symbols = [];
    this.changed = () => this._draw();
    this.notices = new Notices(this.changed);
    this.ready = new Resource((signal) => api.ready(signal), this.changed, {
      every: () => READY_S,
    });
    this.access = new Resource(
      (signal) => api.access(signal),
      () => this._accessCame(),
    );
    this.speak = (language) => this._speak(language);
    this.signIn = () => this._signIn();
    this.signOut = () => this._signOut();
  }

  async start() {
    await speak(preferred());
    this._root.replaceChildren();
    this.ready.start();
    this.access.start();
    window.addEventListener("hashchange", () => this._follow());
    document.addEventListener("closecast:sign-in", this.signIn);
    document.addEventListener("closecast:refused", this.changed);
    this._follow();
  }

  /** Change something that is drawn. */
  set(change) {
    change();
    this.changed();
  }

  _follow() {
    const { view, symbols } = address.read();
    if (view === "forecast") this.symbols = symbols;
    if (view === this.view) {
      this._views.get(view).update?.({ symbols });
    } else {
      const isFirst = this.view === null;
      this._views.get(this.view)?.stop();
      this.view = view;
      if (!this._views.has(view)) this._views.set(view, new VIEWS[view](this));
      this._views.get(view).start({ symbols });
      if (!isFirst) this._arrive();
    }
    this.changed();
  }

  /** Tell those who do not see it that another view is shown, and go on from its beginning. */
  _arrive() {
    announce(t(`views.${this.view}`));
    window.scrollTo(0, 0);
    document.getElementById("content")?.focus({ preventScroll: true });
  }

  async _speak(language) {
    await speak(language);
    preferences.set("language", language);
    this.changed();
  }

  async _signIn() {
    if (this._isAsking) return;
    this._isAsking = true;
    const isSignedIn = await signIn(this.access.value ?? { login: false });
    this._isAsking = false;
    if (isSignedIn) this._restart();
  }

  _signOut() {
    account.signOut();
    this._restart();
  }

  /** Where nothing can be seen without signing in, ask for it at once; whoever puts that away can come back to it. */
  _accessCame() {
    const { value, isLoading } = this.access;
    if (value?.auth && !isLoading && !account.signedIn() && !this._hasAsked) {
      this._hasAsked = true;
      this._signIn();
    }
    this.changed();
  }

  _restart() {
    const { symbols } = address.read();
    this.ready.start();
    this.access.start();
    this._views.get(this.view).stop();
    this._views.clear();
    this._views.set(this.view, new VIEWS[this.view](this));
    this._views.get(this.view).start({ symbols });
    this.changed();
  }

  _draw() {
    if (this._isDrawing) return;
    this._isDrawing = true;
    requestAnimationFrame(() => {
      this._isDrawing = false;
      document.title = `${t(`views.${this.view}`)} · Closecast`;
      render(shell(this, this._content()), this._root);
    });
  }

  /** The view, or what went wrong in drawing it: a fault in one view leaves the way to the others. */
  _content() {
    try {
      return this._views.get(this.view).template();
    } catch (error) {
      console.error(error);
      return failure(error, { again: () => location.reload() });
    }
  }
}

new App(document.getElementById("app")).start().catch((error) => {
  document.getElementById("starting").textContent = `Closecast: ${error.message}`;
});
