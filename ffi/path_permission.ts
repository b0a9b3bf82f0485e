/**
 * Asks Deno whether this program may read and write a path, as `Deno.listen` does for a Unix socket: the C library does not pass that
 * gate by itself. Asks the user where Deno may prompt.
 *
 * @throws {Deno.errors.NotCapable} where it may not.
 */
export async function requestPath(path: string): Promise<void> {
  for (const name of ["read", "write"] as const) {
    const descriptor = { name, path } as const;
    if ((await Deno.permissions.query(descriptor)).state === "granted") continue;
    // A request of what was denied already answers at once; where Deno may not prompt it denies.
    if ((await Deno.permissions.request(descriptor)).state === "granted") continue;
    throw new Deno.errors.NotCapable(`Requires ${name} access to "${path}", run again with --allow-${name}=${path}`);
  }
}
