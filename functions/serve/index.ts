import { openEntry } from './entry.ts';

/*
 * The rim of the deployed function: `functions-framework --target=serve`. The framework starts the process and ends
 * it; requests are answered by the door itself, before the framework's middleware, which would cost four times as
 * much as the answer and inflates what it is sent.
 */
const entry = openEntry(process.env);
entry.frontOfServers();

/** The function, which the framework finds by its name: importing the framework to register it would take time. */
export const serve = entry.listener;
