import { Deployments } from '#shared/deployment/schema.ts';
import { key, write } from '#shared/document.ts';
import { Malformed, Unavailable } from '#shared/failure.ts';
import { Instruments } from '#shared/market/schema.ts';
import type { Ports } from '#shared/ports/index.ts';
import { markBook } from '#shared/position/position.ts';
import { type Book, Books } from '#shared/position/schema.ts';
import { applyReport, type EventsContext, eventKeys, tickerKey } from '#shared/report/apply.ts';
import { Reports, reportKey } from '#shared/report/schema.ts';
import { type Envelope, fact } from '#shared/topics.ts';
import { lastPrices } from '../last-prices.ts';
import { eachInTurn, type Handler } from '../push.ts';

type TrackPorts = Pick<Ports, 'store' | 'market' | 'clock'>;

/** A report moves orders, fills, the book and deliveries; a tick values the book at the last prices. */
export function track(ports: TrackPorts): Handler {
  return async (envelope) => {
    if (envelope.fact === 'report.received') await applyReports(ports, envelope);
    else if (envelope.fact === 'tick.minute') await valueBooks(ports, new Date(envelope.at));
  };
}

/** Applies what has been received in the order of report_seq, from the first one that is missing in the book. */
async function applyReports({ store }: TrackPorts, { body }: Envelope): Promise<void> {
  const { deployment_id, qc_deploy_id } = body;
  if (typeof deployment_id !== 'string' || typeof qc_deploy_id !== 'string') {
    throw new Malformed('a report.received fact names no deployment');
  }
  const deployment = await store.get(Deployments, deployment_id);
  if (deployment === undefined) throw new Unavailable(`deployment ${deployment_id} does not exist yet`);
  const found = await store.query(Instruments, { limit: 1000 });
  const instruments = new Map(found.map(({ document }) => [tickerKey(document.quantconnect), document]));
  for (;;) {
    const book = await store.get(Books, deployment_id);
    const next = (book?.last_report_seq[qc_deploy_id] ?? 0) + 1;
    const stored = await store.get(Reports, reportKey(qc_deploy_id, next));
    if (stored === undefined) return;
    const context: EventsContext = { deployment, qc_deploy_id, events: stored.report.events, instruments };
    await store.commit(eventKeys(context), (read, now) => applyReport(read, now, context, next));
  }
}

/** Marks every book that holds something, or that held something at its last mark. */
async function valueBooks({ store, market }: TrackPorts, at: Date): Promise<void> {
  await eachInTurn(await store.query(Books, { limit: 1000 }), async ({ id, document }) => {
    if (!needsMark(document, at)) return;
    const prices = await lastPrices(market, heldMarkets(document), at);
    await store.commit([key(Books, id)], (read, now) => {
      const book = read(Books, id);
      if (book === undefined || !needsMark(book, at)) return { answer: undefined };
      const marked = markBook(book, prices, now);
      const { equity, unrealised } = marked.mark;
      const { algorithm_id, deployment_id, realised, fees } = marked;
      const body = { deployment_id, equity, unrealised, realised, fees };
      return {
        put: [write(Books, id, marked)],
        publish: [
          fact('position.pnl_updated', now, [deployment_id, at.toISOString()], body, {
            key: deployment_id,
            algorithm_id,
          }),
        ],
        answer: undefined,
      };
    });
  });
}

const heldMarkets = (book: Book): string[] =>
  Object.entries(book.positions).flatMap(([market, { quantity }]) => (quantity === '0' ? [] : [market]));

/** A mark is due once per tick while something is held, and once more when all was sold since. */
const needsMark = (book: Book, at: Date): boolean =>
  book.mark.at < at.toISOString() &&
  (heldMarkets(book).length > 0 || book.mark.equity !== book.cash || book.mark.unrealised !== '0');
