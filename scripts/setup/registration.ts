import { GATE_PREFIX } from "#protocol/version.ts";

/** What has to be registered at the provider; the same everywhere it is printed. */
export function registration(hosts: readonly string[], provider: string): string[] {
  const each = (path: string) => hosts.map((host) => `https://${host}${GATE_PREFIX}${path}`);
  const [backchannel = ""] = each("/backchannel-logout");
  return [
    ...lines("redirect URI", each(`/callback/${provider}`)),
    ...lines("sign-out URI", each("/signed-out")),
    ...lines("back-channel", [`${backchannel}   (where there is the choice: with session id)`]),
  ];
}

function lines(name: string, values: string[]): string[] {
  return values.map((value, at) => `${(at === 0 ? name : "").padEnd(14)}${value}`);
}
