/** The ways to show progress. */
export const PROGRESS_MODES = ["auto", "plain", "tty", "quiet", "none", "rawjson"] as const;

export type ProgressMode = (typeof PROGRESS_MODES)[number];

/** `--progress`, of commands that show steps. */
export const progress = { kind: "string", value: "MODE", choices: PROGRESS_MODES, summary: "How progress is shown: auto, plain, tty, rawjson, quiet or none" } as const;
