import type { VideoTrackInfo, Warning } from "../../src/media/mod.ts";
import type { RtspTrack, SideKind } from "../../src/rtsp/mod.ts";
import type { CameraState, ErrorRecord, SideCondition, TransportKind } from "../ingest_protocol.ts";
import type { SecureTo } from "./link.ts";

/** What a camera tells the main thread. */
export interface CameraEvents {
  described(tracks: RtspTrack[], selected: RtspTrack): void;
  info(info: VideoTrackInfo): void;
  beside(kind: SideKind, condition: SideCondition): void;
  state(state: CameraState, reason: string, since: number, transport: TransportKind | null): void;
  failed(error: ErrorRecord, retryAt: number | null): void;
  closed(): void;
  warning(warning: Warning): void;
  /** The camera redirects to another host; `moved()` is to follow. */
  moving(url: string): void;
  secure: SecureTo;
}
