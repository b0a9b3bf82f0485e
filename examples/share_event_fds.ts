/*
 * share_event_fds.ts SOCKET: lets other programs wait for rings in event loops of their own, without a reader of ours in them: they
 * get an eventfd for each ring, as python/wait_on_many_rings.py does.
 */
import { shareEventFds } from "../mod.ts";

const [path = "millrace.sock"] = Deno.args;
const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
Deno.addSignalListener("SIGINT", stop);

await using bells = await shareEventFds(path);
console.log(`sharing eventfds at ${path}; Ctrl-C ends this`);
await stopped;
console.log(`bye; ${bells.stats()?.given} eventfds were given`);
