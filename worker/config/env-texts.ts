/** The Worker's bindings as far as they are texts, and which of their names nobody reads. */
import { nearestName, showName, unknownName } from "./nearest-name.ts";
import type { Problems } from "./problem.ts";
import { ELSEWHERE, variables } from "./variables.ts";

export type EnvTexts = Record<string, string>;

/** An empty text counts as absent: a file of variables keeps the names of what is not set. */
export function envTexts(env: Record<string, unknown>): EnvTexts {
  const texts = Object.entries(env).filter(([, value]) => typeof value === "string" && value !== "");
  return Object.fromEntries(texts) as EnvTexts;
}

/** @returns the part that `entries` knows */
export function pickTexts(texts: EnvTexts, entries: object): EnvTexts {
  return Object.fromEntries(Object.entries(texts).filter(([name]) => Object.hasOwn(entries, name)));
}

/**
 * Reports names that nobody reads, except of secrets: a new secret has to be at Cloudflare before the document that
 * names it, an old one after, and a gateway that stopped meanwhile would make rotating one an outage.
 * @returns those secrets
 */
export function reportUnknownNames(texts: EnvTexts, secretNames: ReadonlySet<string>, problems: Problems): string[] {
  const known = [...Object.keys(variables), ...secretNames];
  const unknown = Object.keys(texts).filter((name) => !known.includes(name));
  return unknown.filter((name) => {
    const elsewhere = Object.hasOwn(ELSEWHERE, name) ? ELSEWHERE[name] : undefined;
    const spare = elsewhere === undefined && /_(SECRET|KEY)$/.test(name) && nearestName(name, known) === undefined;
    if (!spare) problems.add(showName(name), elsewhere ?? unknownName(name, known));
    return spare;
  });
}
