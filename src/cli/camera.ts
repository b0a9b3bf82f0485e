import type { Command } from "commander";
import { cameraCommand } from "../camera/command.ts";
import { cacheFolder } from "./cache_folder.ts";

/** `millrace camera` */
export function camera(): Command {
  return cameraCommand({ cacheDir: cacheFolder });
}
