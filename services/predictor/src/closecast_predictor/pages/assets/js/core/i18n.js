/** Language of the pages: messages from locale files, and everything that Intl formats. */

import { preferences } from "./storage.js";

export const LANGUAGES = { en: "English", pt: "Português" };

const FALLBACK = "en";

let language = FALLBACK;
let tag = FALLBACK;
let messages = {};
let plurals = new Intl.PluralRules(FALLBACK);

/** Language that the reader chose, else the browser's first that there are messages of. */
export function preferred() {
  const wanted = [preferences.get("language"), ...navigator.languages.map((name) => name.slice(0, 2))];
  return wanted.find((name) => name in LANGUAGES) ?? FALLBACK;
}

/** Switch to a language; throws if its messages cannot be had. */
export async function speak(name) {
  const response = await fetch(new URL(`../../locales/${name}.json`, import.meta.url));
  if (!response.ok) throw new Error(`no messages in ${name}: HTTP ${response.status}`);
  messages = await response.json();
  language = name;
  tag =
    navigator.languages.find((candidate) => candidate.startsWith(name)) ?? (name === "pt" ? "pt-BR" : name);
  plurals = new Intl.PluralRules(tag);
  document.documentElement.lang = tag;
}

/** The language that is spoken now. */
export const current = () => language;

/** Tag (BCP 47) by which Intl formats, with the reader's region. */
export const locale = () => tag;

/** Message of a key such as "models.promote"; `count` among the values picks the plural. */
export function t(key, values = {}) {
  let message = key.split(".").reduce((branch, part) => branch?.[part], messages);
  if (typeof message === "object") message = message[plurals.select(values.count)] ?? message.other;
  if (message === undefined) throw new Error(`there is no message ${key} in ${language}`);
  return message.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Message of a key, or the fallback where the server knows a word that these pages do not. */
export function known(key, fallback) {
  try {
    return t(key);
  } catch {
    return fallback;
  }
}
