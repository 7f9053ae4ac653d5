import { http } from '@google-cloud/functions-framework';
import { openEntry } from './entry.ts';

/*
 * The rim of the deployed function: `functions-framework --target=serve`. The framework starts the process and ends
 * it; requests are answered by the door itself, before the framework's middleware, which would cost four times as
 * much as the answer and inflates what it is sent.
 */
const entry = openEntry(process.env);
entry.frontOfServers();
http('serve', entry.listener);
