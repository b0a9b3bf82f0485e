import cv from "@techstark/opencv-js";
import { encode } from "fast-png";
import type { AnalysisFrame } from "../src/analysis/mod.ts";

/** The frame blurred, as a PNG file in base64. Takes RGB24 frames of any size. */
export default {
  /** OpenCV is WebAssembly, and ready some time after it was imported. Its module has a `then`, and must not be awaited. */
  init: () => new Promise<void>((resolve) => cv.Mat ? resolve() : cv.onRuntimeInitialized = resolve),
  analyze({ planes: [{ data }], width, height, pts }: AnalysisFrame): { pts: number; png: string } {
    const picture = cv.matFromArray(height, width, cv.CV_8UC3, data as unknown as number[]);
    try {
      cv.GaussianBlur(picture, picture, new cv.Size(21, 21), 0);
      return { pts, png: encode({ width, height, channels: 3, data: picture.data.slice() }).toBase64() };
    } finally {
      picture.delete();
    }
  },
};
