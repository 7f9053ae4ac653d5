import { expect } from 'vitest';
import { isZero } from '#shared/amount.ts';
import { Orders } from '#shared/order/schema.ts';
import { bookGap } from '#shared/position/position.ts';
import { Book } from '#shared/position/schema.ts';
import type { Told } from './life.ts';

/** The documents of one collection at the end of a story. */
export const documents = (told: Told, collection: string) =>
  told.documents.filter((one) => one.collection === collection);

/** What must hold at the end of any story, whatever the weather was. */
export function expectSound(told: Told): void {
  for (const { document } of documents(told, 'books')) {
    const book = Book.parse(document);
    expect(isZero(bookGap(book, book.mark.prices)), 'the book closes').toBe(true);
  }
  const entries = documents(told, 'orders').map(({ document }) => Orders.schema.parse(document));
  const bySignal = Map.groupBy(
    entries.filter(({ leg }) => leg === 'E' || leg === 'X'),
    ({ signal_id }) => signal_id,
  );
  for (const [signal_id, orders] of bySignal) expect(orders.length, `orders of ${signal_id}`).toBe(1);
  expect(documents(told, 'breaks')).toEqual([]);
}

/** Whether two stories ended in the same bytes; says the first document that differs, and no more. */
export function expectSame(told: readonly string[], plain: readonly string[], weather: string): void {
  const other = told.findIndex((line, i) => line !== plain[i]);
  if (other < 0 && told.length === plain.length) return;
  const shown = (line: string | undefined): string => (line ?? 'nothing').slice(0, 700);
  throw new Error(
    `${weather} ended otherwise (${told.length} documents, ${plain.length} expected):\n- ${shown(plain[other])}\n+ ${shown(told[other])}`,
  );
}
