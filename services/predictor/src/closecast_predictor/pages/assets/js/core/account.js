/** Who is signed in: a token that lives as long as the tab. */

import { tab } from "./storage.js";

let token = tab.get("token");
let name = tab.get("name");

/** Header that says who asks. */
export const authorization = () => (token ? { Authorization: `Bearer ${token}` } : {});

/** Name that was signed in with, null for nobody. */
export const signedIn = () => (token ? name : null);

/** Use a token from now on. */
export function signIn(who, secret) {
  name = who;
  token = secret;
  tab.set("name", who);
  tab.set("token", secret);
}

/** Forget the token. */
export function signOut() {
  name = token = null;
  tab.set("name", null);
  tab.set("token", null);
}

/** The server took no token, or not this one: whoever shows the pages asks for another. */
export function refused() {
  signOut();
  document.dispatchEvent(new CustomEvent("closecast:refused"));
}
