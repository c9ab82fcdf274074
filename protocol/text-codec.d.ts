/** The platform names the wire may use: all of them pure, in Node, workerd and browsers alike. */
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes: Uint8Array): string;
}
declare class URL {
  constructor(url: string, base?: string);
  readonly host: string;
  readonly username: string;
  readonly hash: string;
  readonly pathname: string;
}
