/** `host:port` as Deno's permissions spell it: IPv6 in brackets. */
function hostAndPort(host: string, port: number): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Asks Deno whether this program may reach a host, as `Deno.connect` does: the sockets of the C library do not pass that
 * gate by themselves. Asks the user where Deno may prompt. The host is meant as written, before it is resolved.
 *
 * Call it on the thread whose permissions count, which is the program's own and not the worker's that will connect.
 *
 * @throws {Deno.errors.NotCapable} where it may not.
 */
export async function requestNet(host: string, port: number): Promise<void> {
  const place = hostAndPort(host, port);
  const descriptor = { name: "net", host: place } as const;
  const asked = await Deno.permissions.query(descriptor);
  if (asked.state === "granted") return;
  // A request of what was denied already answers at once; where Deno may not prompt it denies.
  if ((await Deno.permissions.request(descriptor)).state === "granted") return;
  throw new Deno.errors.NotCapable(`Requires net access to "${place}", run again with --allow-net=${place}`);
}

/**
 * Refuses an address that a permitted name resolved to, where `--deny-net` names that address: else a name server could
 * lead around it. An address that is merely not named is fine, for the name was permitted.
 *
 * @throws {Deno.errors.NotCapable} where it is denied.
 */
export async function refuseDeniedNet(host: string, address: string, port: number): Promise<void> {
  const place = hostAndPort(address, port);
  const { state } = await Deno.permissions.query({ name: "net", host: place });
  if (state !== "denied") return;
  throw new Deno.errors.NotCapable(
    `Requires net access to "${place}", to which "${host}" resolves: that address is denied to this program`,
  );
}
