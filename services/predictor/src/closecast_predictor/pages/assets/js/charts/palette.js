/** Colours of the charts, as the stylesheet has them for the theme in force. */

const NAMES = ["ink", "muted", "line", "accent", "fan-95", "fan-80", "fan-50", "miss", "surface"];

/** Resolve the chart colours of an element; custom properties alone would come back unresolved. */
export function paletteOf(element) {
  const probe = document.createElement("span");
  element.append(probe);
  const colours = {};
  for (const name of NAMES) {
    probe.style.color = `var(--${name})`;
    colours[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return colours;
}
