/** Which releases of OpenClaw this agent knows. Pure. */

/** The first release whose settings and methods were compared with ours. */
const OLDEST = [2026, 9, 1];
/** The newest release that the tests ran with. */
export const NEWEST_TESTED = "2026.9.6";

/** The first release that goes by a changed `gateway.auth.identityScopes` without a restart. */
const FOLLOWS_ADMINISTRATORS = [2026, 9, 6];

export type VersionVerdict = "tested" | "too_old" | "newer";

/** @returns the version in what `openclaw --version` prints, such as `OpenClaw 2026.9.6 (eb377ac)`; null when there is none */
export function parseVersion(text: string): string | null {
  return /\b\d{4}\.\d{1,2}\.\d{1,3}\b/.exec(text)?.[0] ?? null;
}

export function judgeVersion(version: string): VersionVerdict {
  const parts = version.split(".").map(Number);
  if (compare(parts, OLDEST) < 0) return "too_old";
  return compare(parts, NEWEST_TESTED.split(".").map(Number)) > 0 ? "newer" : "tested";
}

/** @returns whether this release can be told of another administrator without ending everybody's turns */
export function followsAdministrators(version: string): boolean {
  return compare(version.split(".").map(Number), FOLLOWS_ADMINISTRATORS) >= 0;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < b.length; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
