/** Whom an address stands for when somebody is counted by it. Pure. */

/**
 * @returns an IPv4 address as it is, also when it is written as IPv6 (RFC 4291 section 2.5.5.2); of any other IPv6
 * address the first 64 bits, because one customer has at least so many to choose from (RFC 6177); else `unknown`
 */
export function addressPrefix(address: string): string {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) return address;
  const groups = groupsOf(address);
  if (groups === undefined) return "unknown";
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups;
  const mapped = a === 0 && b === 0 && c === 0 && d === 0 && e === 0 && f === 0xffff;
  if (mapped) return [g >> 8, g & 0xff, h >> 8, h & 0xff].join(".");
  return `${[a, b, c, d].map((group) => group.toString(16)).join(":")}::/64`;
}

/** @returns the eight groups of an IPv6 address in any spelling of RFC 4291 section 2.2 */
function groupsOf(address: string): number[] | undefined {
  if (address.length > 45) return undefined;
  const [head = "", tail, more] = address.split("::");
  const [first, last] = [parse(head), parse(tail ?? "")];
  if (first === undefined || last === undefined || more !== undefined) return undefined;
  const missing = 8 - first.length - last.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  return [...first, ...Array.from({ length: missing }, () => 0), ...last];
}

function parse(part: string): number[] | undefined {
  if (part === "") return [];
  const dotted = /^(?:(.*):)?(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(part);
  if (dotted !== null) {
    const [a = 0, b = 0, c = 0, d = 0] = dotted.slice(2).map(Number);
    const before = dotted[1] === undefined ? [] : parse(dotted[1]);
    return before === undefined || Math.max(a, b, c, d) > 255 ? undefined : [...before, a * 256 + b, c * 256 + d];
  }
  const groups = part.split(":");
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return groups.map((group) => Number.parseInt(group, 16));
}
