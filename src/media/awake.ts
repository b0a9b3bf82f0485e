/**
 * One timer for every wait of this thread, for as long as it lives: a wait begins and ends with every frame. It does
 * nothing when it fires, and holds the program only while somebody waits.
 */
const timer = setInterval(() => {}, 2 ** 31 - 1);
Deno.unrefTimer(timer);
let waiting = 0;

/** Keeps this thread's program alive while somebody waits on shared memory, which Deno by itself does not. */
export function stayAwake(): void {
  if (waiting++ === 0) Deno.refTimer(timer);
}

/** Ends what `stayAwake()` began; called once for each. */
export function mayEnd(): void {
  if (--waiting === 0) Deno.unrefTimer(timer);
}
