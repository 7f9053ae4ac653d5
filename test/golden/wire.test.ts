import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { unsqueeze } from '#functions/serve/bundle-gzip.ts';
import { readPart } from '#shared/bundle/read.ts';
import { BundleRow } from '#shared/bundle/schema.ts';
import { CommandBody, CommandSignal, WireCommand } from '#shared/delivery/wire.ts';
import { sign, verifySignature } from '#shared/key/signature.ts';
import { signedCommand, verifyCommand } from '#shared/quantconnect/command.ts';
import { Report } from '#shared/report/schema.ts';
import { normalise } from '#shared/signal/dialect.ts';
import { signalId } from '#shared/signal/signal.ts';
import { TrailRow } from '#shared/trail/schema.ts';
import { rowHash } from '#shared/trail/trail.ts';

const wire = JSON.parse(readFileSync(new URL('wire.json', import.meta.url), 'utf8'));

describe('the wire that outsiders see keeps its names and its bytes', () => {
  test('a signal as an algorithm reads it', () => {
    expect(CommandSignal.parse(wire.signal)).toEqual(wire.signal);
  });

  test('a command: the signature covers the exact bytes of its body', () => {
    const command = WireCommand.parse(wire.command);
    expect(CommandBody.parse(JSON.parse(command.body)).signals).toEqual([wire.signal]);
    expect(signedCommand(command.body, command.id, command.kid, wire.secret)).toEqual(command);
    expect(verifyCommand(command, wire.secret)).toBe(true);
    expect(verifyCommand({ ...command, body: command.body.replace('"buy"', '"sell"') }, wire.secret)).toBe(false);
  });

  test('a submitted signal of the founding dialect has one identity', () => {
    const { raw, algorithm_id } = wire.submitted;
    const read = normalise(raw, algorithm_id);
    expect(read.ok && signalId(read.proposal)).toBe(wire.submitted.signal_id);
  });

  test('a report', () => {
    expect(Report.parse(wire.report)).toEqual(wire.report);
  });

  test('the signature of a request', () => {
    const { secret, signature, ...request } = wire.signature;
    expect(request.body).toBe(JSON.stringify(wire.report));
    expect(sign(request, secret)).toBe(signature);
    const then = new Date(Number(request.timestamp) * 1000);
    expect(verifySignature(request, signature, secret, then)).toEqual({ valid: true });
    expect(verifySignature(request, signature, secret, new Date(then.getTime() + 301_000))).toMatchObject({
      valid: false,
      code: 'SIGNATURE_STALE',
    });
  });

  test('a bundle, dense, readable and in parts, holds the same rows', () => {
    const { rows, planes, csv, parts } = wire.bundle;
    expect(rows.map((row: unknown) => BundleRow.parse(row))).toEqual(rows);
    const read = (...texts: string[]) => texts.flatMap((text) => [...readPart(text, unsqueeze).rows()]);
    expect(read(planes)).toEqual(rows);
    expect(read(csv)).toEqual(rows);
    expect(read(...parts)).toEqual(rows);
  });

  test('a row of the trail: canonical JSON (RFC 8785) under SHA-256', () => {
    const row = TrailRow.parse(wire.trail_row);
    expect(rowHash(row)).toBe(row.hash);
  });
});
