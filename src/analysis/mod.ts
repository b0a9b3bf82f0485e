/** Somebody's code on frames, without any permission. @module */
export type { Analysis } from "./analysis.ts";
export type { AnalysisOptions, AnalysisStats } from "./analysis_options.ts";
export type { AnalysisContext, AnalysisFrame, Analyzer, AnalyzerObject } from "./analyzer.ts";
export { startAnalysis } from "./start_analysis.ts";
