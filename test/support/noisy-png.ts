import { crc32, deflateSync } from "node:zlib";

const SIGNATURE = Buffer.from("89504e470d0a1a0a", "hex");

/** A picture that does not compress: stripes of sea and sand under noise, always the same. */
export function noisyPng(width: number, height: number): Buffer {
  const stride = width * 3 + 1;
  const rows = Buffer.alloc(stride * height);
  let noise = 1;
  for (let y = 0; y < height; y++) {
    const colour = y % 64 < 40 ? [32, 112, 120] : [214, 196, 150];
    for (let x = 0; x < width * 3; x++) {
      noise = (noise * 1_103_515_245 + 12_345) & 0x7fffffff;
      rows[y * stride + 1 + x] = (colour[x % 3] ?? 0) + ((noise >> 16) & 31);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // 8 bits, RGB.
  header.set([8, 2], 8);
  return Buffer.concat([
    SIGNATURE,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, check]);
}
