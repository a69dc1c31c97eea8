/** Words for screen readers, about what changed elsewhere on the page. */

/** Have a message read out when the reader pauses. */
export function announce(message) {
  const region = document.getElementById("announcements");
  // The same words again would not be read: a region is read when it changes.
  region.textContent = "";
  requestAnimationFrame(() => {
    region.textContent = message;
  });
}
