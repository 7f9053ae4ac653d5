import type { Ports } from '#shared/ports/index.ts';
import { type Audit, audit } from '../audit/audit.ts';
import { type Backtests, backtest } from '../backtest/backtest.ts';
import { generate } from '../generate/generate.ts';
import type { FunctionName } from '../manifest.ts';
import { type NotifyPorts, notify } from '../notify/notify.ts';
import { receive } from '../push.ts';
import { reconcile } from '../reconcile/reconcile.ts';
import { track } from '../track/track.ts';

/** Takes a push body, answers the status by which the bus acknowledges. */
export type Room = (body: unknown) => Promise<{ status: number }>;

/** Every function that a topic feeds, in one process, each behind the same door as in the cloud. */
export function rooms(
  ports: Ports & Pick<NotifyPorts, 'webhook'>,
  options: { readonly checkpoint_every_ms?: number } = {},
): {
  rooms: Readonly<Partial<Record<FunctionName, Room>>>;
  audit: Audit;
  backtests: Backtests;
} {
  const keeper = audit(ports, options);
  // A backtest takes minutes, and messages are delivered one at a time.
  const backtests = backtest(ports, { in_background: true });
  return {
    rooms: {
      generate: receive(ports, 'generate', generate(ports)),
      notify: receive(ports, 'notify', notify(ports)),
      track: receive(ports, 'track', track(ports)),
      reconcile: receive(ports, 'reconcile', reconcile(ports)),
      audit: receive(ports, 'audit', keeper.handle),
      backtest: receive(ports, 'backtest', backtests.handle),
    },
    audit: keeper,
    backtests,
  };
}
