/*
 * What is built lies in folders whose names say what it was built from: one is there whole, or not at all.
 */

/** Names what a thing is built from. */
export async function hashOf(what: unknown): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(what)));
  return new Uint8Array(digest, 0, 12).toHex();
}

/** Moves a folder to its place. A rename onto one that another process filled in the meantime fails, and theirs is as good. */
export async function moveInto(beside: string, folder: string, wanted: string): Promise<void> {
  try {
    await Deno.rename(beside, folder);
  } catch (cause) {
    if (!await exists(wanted)) throw cause;
  }
}

/** Whether there is such a file. */
export async function exists(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return false;
    throw cause;
  }
}
