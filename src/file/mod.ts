/** Access units out of files. @module */
export { accessUnitsOf } from "./annex_b.ts";
export { readAnnexB, readVideoFile, type VideoFile } from "./video_file.ts";
