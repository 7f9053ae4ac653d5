import { sign } from '#shared/key/signature.ts';
import { securityIdentifier } from '#shared/quantconnect/symbol.ts';
import { leanStatusNumber, orderStatus } from '#shared/quantconnect/translate.ts';
import type { OrderEvent, Report } from '#shared/report/schema.ts';
import { DEPLOY_ID, type House, PROJECT, SECRETS } from '../push/house.ts';

/** QuantConnect's side, written by hand: what the stand-in would never say by itself. */

const symbolOf = (ticker: string) => ({ ticker, security_type: 'crypto', market: 'bybit' });

export const holding = (ticker: string, quantity: number): Record<string, { q: number; a: number; p: number }> => ({
  [securityIdentifier(symbolOf(ticker))]: { q: quantity, a: 100, p: 100 },
});

interface OrderTold {
  readonly id: number;
  readonly quantity: number;
  readonly at: string;
  /** The signal of its tag; none for an order by hand. */
  readonly tag?: string;
  readonly ticker?: string;
  readonly status?: 'filled' | 'submitted' | 'canceled';
}

/** An order of their list that was submitted and, unless said otherwise, filled at 100. */
export function order({ id, quantity, at, tag, ticker = 'BTCUSDT', status = 'filled' }: OrderTold): object {
  const symbol = { value: ticker, id: securityIdentifier(symbolOf(ticker)) };
  const event = (n: number, word: string, units: number) => ({
    id: `${DEPLOY_ID}-${id}-${n}`,
    algorithmId: DEPLOY_ID,
    orderId: id,
    orderEventId: n,
    symbol: symbol.id,
    time: Date.parse(at) / 1000,
    status: word,
    fillPrice: units === 0 ? 0 : 100,
    fillPriceCurrency: 'USDT',
    fillQuantity: units,
    quantity,
  });
  return {
    type: 0,
    id,
    brokerId: [String(id)],
    symbol,
    createdTime: at,
    quantity,
    status: leanStatusNumber(orderStatus(status)),
    tag: tag === undefined ? '' : `${tag}|E`,
    events: [
      event(1, 'submitted', 0),
      ...(status === 'submitted' ? [] : [event(2, status, status === 'filled' ? quantity : 0)]),
    ],
  };
}

/** An order event as a report tells it. */
export const reported = (of: {
  id: number;
  quantity: string;
  at: string;
  status?: OrderEvent['status'];
  n?: number;
  signal_id?: string;
  leg?: 'E' | 'S' | 'T' | 'X';
  price?: string;
  ordered?: string;
  ticker?: string;
  fee?: OrderEvent['fee'];
}): OrderEvent => ({
  event_id: `${DEPLOY_ID}-${of.id}-${of.n ?? 2}`,
  kind: 'order',
  ...(of.signal_id === undefined ? {} : { signal_id: of.signal_id, leg: of.leg ?? 'E' }),
  order_id: of.id,
  quantconnect: symbolOf(of.ticker ?? 'BTCUSDT'),
  order_type: 'market',
  status: of.status ?? 'filled',
  fill_quantity: of.quantity,
  fill_price: of.quantity === '0' ? '0' : (of.price ?? '100'),
  ...(of.fee === undefined ? {} : { fee: of.fee }),
  order_quantity: of.ordered ?? (of.quantity === '0' ? '1' : of.quantity),
  utc_time: of.at,
});

export const reportBody = (
  report_seq: number,
  events: Report['events'] = [],
  change: Partial<Report> = {},
): Report => ({
  v: 1,
  deployment_id: 'd-1',
  qc_project_id: PROJECT,
  qc_deploy_id: DEPLOY_ID,
  report_seq,
  sent_at: new Date(Date.UTC(2026, 0, 5, 12)).toISOString(),
  events,
  state: { last_seq: 0, halted: false, open_signals: 0 },
  ...change,
});

/** Headers that sign a body as the algorithm of d-1 does. */
export function signedHeaders(of: House, body: string, change: { key_id?: string; secret?: string; at?: Date } = {}) {
  const { key_id = 'k1', secret = SECRETS.k1, at = of.clock.now() } = change;
  const timestamp = String(Math.floor(at.getTime() / 1000));
  return {
    'X-API-KEY': of.bridgeKey,
    'X-Key-Id': key_id,
    'X-Timestamp': timestamp,
    'X-Signature': sign({ timestamp, method: 'POST', path_and_query: '/reports', body }, secret),
  };
}

/** Posts a signed report through the door. */
export async function report(
  of: House,
  report_seq: number,
  events: Report['events'] = [],
  change: Partial<Report> = {},
) {
  const body = JSON.stringify(reportBody(report_seq, events, change));
  const answer = await of.door.request('/reports', { method: 'POST', headers: signedHeaders(of, body), body });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}
