/** Light, dark, or as the system says. */

import { preferences } from "./storage.js";

export const THEMES = ["auto", "light", "dark"];

const dark = window.matchMedia("(prefers-color-scheme: dark)");

/** The reader's choice. */
export const chosen = () => document.documentElement.dataset.theme ?? "auto";

/** Choose a theme, for this visit and the next. */
export function choose(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  preferences.set("theme", theme === "auto" ? null : theme);
  document.dispatchEvent(new CustomEvent("closecast:theme"));
}

/** Call back whenever colours change; returns how to stop. */
export function onChange(callback) {
  document.addEventListener("closecast:theme", callback);
  dark.addEventListener("change", callback);
  return () => {
    document.removeEventListener("closecast:theme", callback);
    dark.removeEventListener("change", callback);
  };
}
