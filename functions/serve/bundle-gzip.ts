import { constants, crc32, deflateRawSync, gunzipSync, type ZlibOptions } from 'node:zlib';

/** Header of a gzip stream (RFC 1952): deflate, no name, no time, no operating system. */
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255);
const STRATEGIES = [constants.Z_DEFAULT_STRATEGY, constants.Z_HUFFMAN_ONLY, constants.Z_RLE];

/** Pieces that are too short for the way to matter. */
const SHORT = 512;

/**
 * One gzip stream of many pieces, each deflated for itself in the way that makes it smallest: planes of numbers gain
 * nothing from looking back, and lose by sharing a table with others. Dear, and done once.
 */
export function squeeze(pieces: readonly Uint8Array[]): Uint8Array {
  const full = pieces.filter(({ length }) => length > 0);
  let check = 0;
  let length = 0;
  const deflated = full.map((piece, i) => {
    check = crc32(piece, check);
    length += piece.length;
    return smallest(piece, i === full.length - 1 ? constants.Z_FINISH : constants.Z_SYNC_FLUSH);
  });
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(check, 0);
  trailer.writeUInt32LE(length % 2 ** 32, 4);
  return Buffer.concat([HEADER, ...deflated, trailer]);
}

function smallest(piece: Uint8Array, finishFlush: number): Uint8Array {
  const options: ZlibOptions = { level: 9, memLevel: 9, finishFlush };
  const worth = piece.length < SHORT ? STRATEGIES.slice(0, 1) : STRATEGIES;
  const tried = worth.map((strategy) => deflateRawSync(piece, { ...options, strategy }));
  return tried.reduce((best, one) => (one.length < best.length ? one : best));
}

/** No block of ours opens to more than this. */
const LARGEST_BLOCK = 512_000_000;

/** Opens a gzip stream. Throws where it is none, or larger than any of ours. */
export const unsqueeze = (bytes: Uint8Array): Uint8Array => gunzipSync(bytes, { maxOutputLength: LARGEST_BLOCK });
