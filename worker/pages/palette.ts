/** The colours of every own page; a test computes the contrast of each pair that is used (WCAG 2.2, 1.4.3 and 1.4.11). */

export interface Palette {
  /** Text. */
  ink: string;
  /** Text of less weight. */
  soft: string;
  /** Behind the card, and the card. */
  paper: string;
  card: string;
  /** Between parts; decoration only. */
  line: string;
  /** Around what can be operated. */
  edge: string;
  /** The main action, the focus ring and links. */
  accent: string;
  onAccent: string;
  /** The mark of a page that says no. */
  warning: string;
}

export const LIGHT: Palette = {
  ink: "#14211f",
  soft: "#51635f",
  paper: "#eef3f1",
  card: "#ffffff",
  line: "#d9e2df",
  edge: "#7b8e89",
  accent: "#0b6a5c",
  onAccent: "#ffffff",
  warning: "#a24a09",
};

export const DARK: Palette = {
  ink: "#e8f0ee",
  soft: "#a3b5b0",
  paper: "#0d1413",
  card: "#161f1d",
  line: "#2a3733",
  edge: "#6f837d",
  accent: "#52c8b1",
  onAccent: "#05211c",
  warning: "#f0a45d",
};

/** @returns the palette as custom properties, `onAccent` as `--on-accent` */
export function customProperties(palette: Palette): string {
  const entries = Object.entries(palette) as [string, string][];
  return entries
    .map(([name, colour]) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}:${colour}`)
    .join(";");
}
