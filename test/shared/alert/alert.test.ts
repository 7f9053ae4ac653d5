import { describe, expect, it } from 'vitest';
import { alertId, raise } from '#shared/alert/alert.ts';
import { Alert } from '#shared/alert/schema.ts';
import { Envelope } from '#shared/topics.ts';

const NOW = new Date('2026-03-02T14:30:00.000Z');
const about = {
  severity: 'critical',
  message: 'Look at it.',
  signal_id: 'sig-1',
  deployment_id: 'dep-1',
  algorithm_id: 'alg',
} as const;

describe('an alert', () => {
  it('is one document and one fact about it', () => {
    const { create, publish } = raise('order_overfilled', ['o-1'], NOW, about);
    const alert = {
      schema: 1,
      alert_id: alertId('order_overfilled', 'o-1'),
      kind: 'order_overfilled',
      severity: 'critical',
      message: 'Look at it.',
      signal_id: 'sig-1',
      deployment_id: 'dep-1',
      raised_at: NOW.toISOString(),
      open: true,
    };
    expect(create).toEqual({ collection: 'alerts', id: alert.alert_id, document: alert });
    expect(Alert.parse(create.document)).toEqual(alert);
    expect(Envelope.parse(publish)).toMatchObject({
      fact: 'alert.raised',
      signal_id: 'sig-1',
      algorithm_id: 'alg',
      body: { alert },
    });
  });

  it('of the same kind and subject is the same alert, whenever and in whatever words', () => {
    const [one, again] = [
      raise('fee_unknown', ['e'], NOW, about),
      raise('fee_unknown', ['e'], new Date(0), { severity: 'warning', message: 'Other.' }),
    ];
    expect([again.create.id, again.publish.id]).toEqual([one.create.id, one.publish.id]);
    expect(alertId('fee_unknown', 'f')).not.toBe(one.create.id);
    expect(alertId('fee_known', 'e')).not.toBe(one.create.id);
  });

  it('says nothing of what it does not know', () => {
    const { create, publish } = raise('a_kind', [], NOW, { severity: 'warning', message: 'M.' });
    expect(Object.keys(create.document)).toEqual([
      'schema',
      'alert_id',
      'kind',
      'severity',
      'message',
      'raised_at',
      'open',
    ]);
    expect(publish).not.toHaveProperty('signal_id');
  });
});
