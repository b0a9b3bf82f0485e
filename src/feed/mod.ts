/** Live sequences: feeds of access units and of frames, their branches, and where they end. @module */
export * from "./connect_ring.ts";
export * from "./encoded_ring_feed.ts";
export * from "./encoded_source.ts";
export { feedOf, frameFeedOf } from "./iterable_feed.ts";
export { UnitRingFeed, type UnitSource } from "./unit_ring_feed.ts";
