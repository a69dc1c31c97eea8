/** Browser storage that may be switched off: then nothing is kept, and nothing breaks. */

function guarded(storage) {
  return {
    get(key) {
      try {
        return storage().getItem(`closecast.${key}`);
      } catch {
        return null;
      }
    },
    set(key, value) {
      try {
        if (value === null) storage().removeItem(`closecast.${key}`);
        else storage().setItem(`closecast.${key}`, value);
      } catch {
        // Kept for this page only, by whoever called.
      }
    },
  };
}

/** Kept across visits. */
export const preferences = guarded(() => window.localStorage);

/** Kept as long as the tab is open. */
export const tab = guarded(() => window.sessionStorage);
