import { app } from '#functions/serve/app.ts';
import { halt, resume } from '#shared/control/control.ts';
import { Deliveries } from '#shared/delivery/schema.ts';
import { addDeployment, addStrategy, changeDeployment } from '#shared/deployment/deployment.ts';
import { Unavailable } from '#shared/failure.ts';
import { addInstrument, changeInstrument } from '#shared/market/instrument-change.ts';
import { changeLimits } from '#shared/risk/limits-change.ts';
import type { ReasonCode } from '#shared/signal/reason.ts';
import { buy, type House, instant, SECRETS, tick } from '../functions/push/house.ts';
import { report, reportBody, signedHeaders } from '../functions/reconcile/theirs.ts';
import { byCommand, byFile, byRoute, type Case, type RequestTerms } from './case.ts';

/** Everything else that is refused: deliveries, reports, messages, requests, files, configuration. */

/** What a delivery may write when it ends before it was spoken. */
const DELIVERY = ['deliveries', 'books', 'commands', 'alerts', 'signals', 'stream_entries', 'stream_heads'];

function byDelivery(
  code: ReasonCode,
  name: string,
  said: NonNullable<Case['said']>,
  act: (of: House) => Promise<unknown>,
): Case {
  return {
    code,
    name: `by delivery: ${name}`,
    records: DELIVERY,
    said,
    async act(of) {
      const { signal_id } = await of.submit(buy(0));
      await act(of);
      return (await of.store.get(Deliveries, `${signal_id}@d-1`))?.code;
    },
  };
}

const pause = changeDeployment({ deployment_id: 'd-1', algorithm_id: 'alg' }, { status: 'paused' }, 'test');

const DELIVERIES: readonly Case[] = [
  byDelivery('DELIVERY_EXPIRED', 'its time was over in the queue', 'signal.expired', async (of) => {
    of.to(10);
    await of.give('notify', tick(10));
  }),
  {
    ...byDelivery('DELIVERY_HALTED', 'trading was halted on the way', 'signal.rejected', async (of) => {
      await of.act(halt('stop', 'test'));
      await of.deliver('notify');
    }),
    records: [...DELIVERY, 'switches', 'config_versions'],
  },
  byDelivery('DELIVERY_REFUSED', 'QuantConnect said no', 'command.refused', async (of) => {
    of.script.push('refused');
    await of.deliver('notify');
  }),
  {
    code: 'DELIVERY_UNROUTED',
    name: 'by delivery: nobody trades it',
    records: DELIVERY,
    said: 'signal.unrouted',
    given: (of) => of.act(pause),
    async act(of) {
      await of.submit(buy(0));
      return of.facts('signal.unrouted')[0]?.body.code;
    },
  },
];

const REPORT = JSON.stringify(reportBody(1));
const reporting = (
  code: ReasonCode,
  name: string,
  body: string,
  status: number,
  more: Partial<RequestTerms> = {},
): Case =>
  byRoute(code, name, {
    method: 'POST',
    path: '/reports',
    body,
    status,
    headers: (of) => signedHeaders(of, body),
    ...more,
  });
const signedWith =
  (change: Parameters<typeof signedHeaders>[2]): NonNullable<RequestTerms['headers']> =>
  (of) =>
    signedHeaders(of, REPORT, change);

const REPORTS: readonly Case[] = [
  reporting('REPORT_MALFORMED', 'half a report', '{"v":1', 400),
  reporting('REPORT_MALFORMED', 'none of its fields', '{}', 400),
  reporting('REPORT_MALFORMED', 'a field too many', JSON.stringify({ ...reportBody(1), more: 1 }), 400),
  reporting('REPORT_MALFORMED', 'number zero', JSON.stringify(reportBody(0)), 400),
  reporting(
    'REPORT_MALFORMED',
    'a number beyond all counting',
    REPORT.replace('"report_seq":1', '"report_seq":1e300'),
    400,
  ),
  reporting(
    'REPORT_CONFLICT',
    'another one under its number',
    JSON.stringify(reportBody(1, [], { sent_at: instant(1) })),
    409,
    {
      given: (of) => report(of, 1),
    },
  ),
  reporting('REPORT_DEPLOYMENT_UNKNOWN', 'of nobody', JSON.stringify(reportBody(1, [], { deployment_id: 'd-9' })), 404),
  reporting(
    'REPORT_DEPLOYMENT_UNKNOWN',
    'of another project',
    JSON.stringify(reportBody(1, [], { qc_project_id: 1 })),
    404,
  ),
  reporting('SIGNATURE_INVALID', 'unsigned', REPORT, 403, { headers: (of) => ({ 'X-API-KEY': of.bridgeKey }) }),
  reporting('SIGNATURE_INVALID', 'signed with a guess', REPORT, 403, { headers: signedWith({ secret: 'guess' }) }),
  reporting('SIGNATURE_INVALID', 'signed for another body', `${REPORT}\n`, 403, { headers: signedWith({}) }),
  reporting('SIGNATURE_INVALID', 'signed by another deployment', REPORT, 403, {
    headers: signedWith({ key_id: 'k2', secret: SECRETS.k2 }),
  }),
  reporting('SIGNATURE_STALE', 'sent again after an hour', REPORT, 403, {
    headers: signedWith({ at: new Date(instant(-60)) }),
  }),
];

function byMessage(name: string, data: string | Uint8Array, room: 'generate' | 'notify' | 'track' | 'reconcile'): Case {
  return {
    code: 'MESSAGE_MALFORMED',
    name: `by topic: ${name}`,
    records: ['parked'],
    parked: data,
    async act(of) {
      const status = await of.push(room, data);
      return status === 204 ? of.facts('message.parked').at(-1)?.body.code : `status ${status}`;
    },
  };
}
const ticking = JSON.stringify(tick(0));
const MESSAGES: readonly Case[] = [
  byMessage('no JSON', '{"fact":', 'generate'),
  byMessage('no UTF-8', new Uint8Array([0x22, 0xc3, 0x28, 0x22]), 'track'),
  byMessage('an empty message', '', 'reconcile'),
  byMessage('a fact that nobody states', ticking.replace('tick.minute', 'tick.hour'), 'notify'),
  byMessage('a version to come', ticking.replace('"version":1', '"version":2'), 'generate'),
  byMessage('a field too many', ticking.replace('"version":1', '"version":1,"root":true'), 'generate'),
  byMessage('a fact on a topic of others', ticking.replace('tick.minute', 'control.resumed'), 'notify'),
];

const large = 'x'.repeat(1_048_577);
const asking = (code: ReasonCode, name: string, path: string, status: number): Case =>
  byRoute(code, name, { path, status });
const posting = (code: ReasonCode, name: string, path: string, body: string, status: number): Case =>
  byRoute(code, name, { method: 'POST', path, body, status });
const operator = async (of: House) => ({ 'X-API-KEY': await of.key('operator', ['submit', 'read_signals']) });

const REQUESTS: readonly Case[] = [
  byRoute('KEY_SCOPE', 'a key that may not report', { method: 'POST', path: '/reports', body: REPORT, status: 403 }),
  byRoute('KEY_SCOPE', 'the key of an algorithm that would submit', {
    method: 'POST',
    path: '/signals',
    body: JSON.stringify(buy(0)),
    status: 403,
    headers: (of) => ({ 'X-API-KEY': of.bridgeKey }),
  }),
  byRoute('ALGORITHM_UNKNOWN', 'an algorithm that does not exist', {
    method: 'POST',
    path: '/signals',
    body: JSON.stringify(buy(0, { algorithm_id: 'nobody' })),
    status: 404,
    headers: operator,
  }),
  asking('ALGORITHM_FORBIDDEN', 'the signals of another algorithm', '/signals?algorithm_id=other', 403),
  byRoute('REQUEST_MALFORMED', "no algorithm with an operator's key", {
    path: '/signals',
    status: 400,
    headers: operator,
  }),
  asking('REQUEST_MALFORMED', 'a lookback of zero', '/signals/batch/all/BTCUSDT?lookback=0', 400),
  asking('REQUEST_MALFORMED', 'a symbol that is none', '/signals/batch/all/%27%20OR%201=1', 400),
  asking('REQUEST_MALFORMED', 'a place that is no number', '/signals?after=latest', 400),
  posting('REQUEST_MALFORMED', 'no signals at all', '/signals', '[]', 400),
  posting('REQUEST_MALFORMED', 'a misspelt explain', '/signals?explain=true', JSON.stringify(buy(0)), 400),
  posting('REQUEST_TOO_LARGE', 'more than a megabyte', '/signals', large, 413),
  asking('BACKTEST_UNKNOWN', 'a backtest of nobody', '/backtests/nobody', 404),
  asking('BACKTEST_UNKNOWN', 'its result', '/backtests/nobody/result', 404),
  asking('ROUTE_UNKNOWN', 'a route that does not exist', '/admin', 404),
  asking('ROUTE_UNKNOWN', 'a file of the machine', '/signals/..%2f..%2fetc%2fpasswd', 404),
  posting('SIGNAL_MALFORMED', 'half an object', '/signals', '{"symbol":', 400),
];

/** The same request at a door behind which something fails. */
const failing = (code: ReasonCode, name: string, error: Error): Case => ({
  code,
  name: `by route: ${name}`,
  records: [],
  async act(of) {
    const store = { ...of.store, query: async () => Promise.reject(error) };
    const door = app({ ...of.ports, store });
    const answer = await door.request('/signals', { headers: { 'X-API-KEY': of.bridgeKey } });
    const { error: said } = (await answer.json()) as { error: { code: string; message: string } };
    return said.message.includes(error.message) ? 'it tells of the inside' : said.code;
  },
});
const FAILURES: readonly Case[] = [
  failing('UNAVAILABLE', 'the store does not answer', new Unavailable('10.0.0.1 timed out')),
  failing('INTERNAL', 'a defect of ours', new TypeError('undefined is not a function')),
];

const HEADER = 'date,open,high,low,close,volume';
const DAY = '2026-01-05,100,110,90,105,1000';
const FILES: readonly Case[] = [
  byFile('BARS_EMPTY', 'nothing', ''),
  byFile('BARS_EMPTY', 'a header alone', `${HEADER}\n`),
  byFile('BARS_COLUMN_MISSING', 'no close', 'date,open,high,low\n2026-01-05,1,1,1\n'),
  byFile('BARS_COLUMN_MISSING', 'no header', `${DAY}\n`),
  byFile('BARS_NUMBER_UNREADABLE', 'a word for a number', `${HEADER}\n${DAY.replace('105', 'high')}\n`),
  byFile('BARS_NUMBER_UNREADABLE', 'an infinity', `${HEADER}\n${DAY.replace('105', 'Infinity')}\n`),
  byFile('BARS_NUMBER_UNREADABLE', 'less than nothing traded', `${HEADER}\n${DAY.replace('1000', '-1')}\n`),
  byFile('BARS_NUMBER_UNREADABLE', 'a quote that does not end', `${HEADER}\n"${DAY}\n`),
  byFile('BARS_TIME_UNREADABLE', 'a day of no calendar', `${HEADER}\n${DAY.replace('01-05', '02-30')}\n`),
  byFile(
    'BARS_TIME_UNREADABLE',
    'a time without a zone',
    `${HEADER}\n${DAY.replace('2026-01-05', '2026-01-05T00:00:00')}\n`,
  ),
  byFile('BARS_PRICE_NOT_POSITIVE', 'a price of zero', `${HEADER}\n${DAY.replace(',90,', ',0,')}\n`),
  byFile('BARS_HIGH_BELOW_LOW', 'high below low', `${HEADER}\n${DAY.replace(',110,', ',80,')}\n`),
  byFile('BARS_HIGH_BELOW_LOW', 'a close outside', `${HEADER}\n${DAY.replace('105', '111')}\n`),
  byFile('BARS_OUT_OF_ORDER', 'a day twice', `${HEADER}\n${DAY}\n${DAY}\n`),
  byFile('BARS_OUT_OF_ORDER', 'backwards', `${HEADER}\n${DAY}\n${DAY.replace('01-05', '01-04')}\n`),
];

const address = { deployment_id: 'd-2', algorithm_id: 'alg' };
const terms = { qc_project_id: 1, initial_cash: '1', currency: 'USDT', key_id: 'k1', status: 'active', symbols: [] };
const COMMANDS: readonly Case[] = [
  byCommand('CONFIG_INVALID', 'a resume without a reason', resume(' ', 'test')),
  byCommand('CONFIG_INVALID', 'a limit below zero', changeLimits('default', { max_position_size_pct: '-1' }, 'test')),
  byCommand('CONFIG_INVALID', 'a limit that does not exist', changeLimits('default', { courage: 1 }, 'test')),
  byCommand('CONFIG_INVALID', 'a market that is there already', addInstrument('bybit', 'BTCUSDT', {}, 'test')),
  byCommand(
    'CONFIG_INVALID',
    'live without a confirmation',
    addDeployment(address, { ...terms, environment: 'live' }, 'test'),
  ),
  byCommand(
    'CONFIG_INVALID',
    'other cash for an open book',
    changeDeployment({ ...address, deployment_id: 'd-1' }, { initial_cash: '5' }, 'test'),
  ),
  byCommand(
    'SYMBOL_UNKNOWN',
    'a change of a market that is not there',
    changeInstrument('bybit', 'NOBODY', {}, 'test'),
  ),
  byCommand('ALGORITHM_UNKNOWN', 'limits of nobody', changeLimits('nobody', {}, 'test')),
  byCommand('ALGORITHM_UNKNOWN', 'a strategy of nobody', addStrategy('nobody', 'quick', {}, 'test')),
  byCommand(
    'ALGORITHM_UNKNOWN',
    'a deployment of nobody',
    addDeployment({ ...address, algorithm_id: 'nobody' }, terms, 'test'),
  ),
];

export const MACHINERY: readonly Case[] = [
  ...DELIVERIES,
  ...REPORTS,
  ...MESSAGES,
  ...REQUESTS,
  ...FAILURES,
  ...FILES,
  ...COMMANDS,
];
