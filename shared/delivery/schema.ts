import { z } from 'zod';
import { Amount } from '../amount.ts';
import { collection } from '../document.ts';
import { ReasonCode } from '../signal/reason.ts';
import { Id } from '../signal/schema.ts';
import { Instant } from '../topics.ts';

/**
 * Where one signal stands with one deployment:
 *   queued     accepted; to be sent, or pulled by the algorithm
 *   sending    the intent to send stands; the outcome is not known yet
 *   sent       QuantConnect took the command: not a delivery
 *   unknown    the call had no answer; it may have arrived
 *   delivered  the algorithm says that it has it
 *   working    it has an order of its own
 * and the ends: executed, rejected, expired, cancelled, withheld (halted before sending), uncertain (claimed before
 * a crash, never repeated by itself; needs a person).
 */
export const DeliveryState = z.enum([
  'queued',
  'sending',
  'sent',
  'unknown',
  'delivered',
  'working',
  'executed',
  'rejected',
  'expired',
  'cancelled',
  'withheld',
  'uncertain',
]);
export type DeliveryState = z.infer<typeof DeliveryState>;

export const Delivery = z.strictObject({
  schema: z.literal(1),
  signal_id: Id,
  version: z.int().min(1),
  algorithm_id: Id,
  deployment_id: Id,
  seq: z.int().min(1),
  /** The signals that were accepted in one commit travel in one command. */
  batch_id: z.string(),
  state: DeliveryState,
  /** Whether the state can still change. */
  open: z.boolean(),
  code: ReasonCode.optional(),
  detail: z.string().optional(),
  valid_until: Instant,
  command_id: z.string().optional(),
  /** Commands that carried it: more than one only when an acknowledgement stayed out. */
  sends: z.int().min(0),
  sent_at: Instant.optional(),
  delivered_at: Instant.optional(),
  /** Units that its entry order filled, signed. */
  filled_quantity: Amount,
  updated_at: Instant,
});
export type Delivery = z.infer<typeof Delivery>;
export const Deliveries = collection('deliveries', Delivery);
export const deliveryKey = (signal_id: string, deployment_id: string): string => `${signal_id}@${deployment_id}`;

/** One command to one deployment: the exact bytes that were signed, and what is known of the call. */
export const Command = z.strictObject({
  schema: z.literal(1),
  command_id: Id,
  deployment_id: Id,
  algorithm_id: Id,
  kind: z.enum(['signals', 'halt', 'reduce', 'resume', 'flatten']),
  signal_ids: z.array(Id),
  body: z.string(),
  state: z.enum(['sending', 'sent', 'refused', 'unknown']),
  detail: z.string().optional(),
  created_at: Instant,
  updated_at: Instant,
});
export type Command = z.infer<typeof Command>;
export const Commands = collection('commands', Command);

/**
 * What a pull said beside the rows of the stream: whether trading was halted, and which rows it left out since their
 * deliveries had ended. Kept only where it said such a thing, so that the same question as of the same state gets the
 * same bytes. Its id is a digest of key, algorithm, state and page.
 */
export const Telling = z.strictObject({
  schema: z.literal(1),
  algorithm_id: Id,
  key_id: Id,
  as_of: z.string(),
  after: z.int().min(0),
  limit: z.int().min(1),
  halt: z.boolean(),
  /** The seq of each row that was left out. */
  withheld: z.array(z.int().min(1)),
  told_at: Instant,
});
export type Telling = z.infer<typeof Telling>;
export const Tellings = collection('tellings', Telling);
