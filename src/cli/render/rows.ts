import { humanSize, seconds } from "../format.ts";
import { isOver, type Step, type Transfer } from "./steps.ts";

/** A line of the display before it is laid out. */
export interface Row {
  readonly left: string;
  readonly right?: string;
  readonly style: "plain" | "done" | "failed" | "dim" | "warning";
}

export interface RowOptions {
  /** Most rows there may be. */
  readonly height: number;
  /** Whether running steps show the end of their output and their transfers. */
  readonly live: boolean;
}

const LOG_ROWS = 6;
const TRANSFER_ROWS = 8;
const BAR = 24;

/** The steps as rows. Where there is no room for all, the oldest that are over give way first, then the running ones' details. */
export function stepRows(steps: readonly Step[], now: number, { height, live }: RowOptions): readonly Row[] {
  const running = steps.filter((step) => !isOver(step)).length;
  const room = Math.max(0, height - running);
  const blocks = steps.map((step) => [headRow(step, now), ...missRows(step), ...(live && !isOver(step) ? detailRows(step) : [])]);
  let details = room;
  const fitted = steps.map((step, index) => {
    const block = blocks[index]!;
    if (isOver(step)) return block;
    const kept = block.slice(0, 1 + Math.min(block.length - 1, details));
    details -= kept.length - 1;
    return kept;
  });
  let excess = fitted.reduce((sum, block) => sum + block.length, 0) - height;
  const rows = fitted.flatMap((block, index) => {
    if (excess <= 0 || !isOver(steps[index]!)) return block;
    excess -= block.length;
    return [];
  });
  return Number.isFinite(height) ? rows.slice(-height) : rows;
}

function headRow(step: Step, now: number): Row {
  const mark = { waiting: "", running: "", cached: "CACHED ", done: "", failed: "ERROR ", canceled: "CANCELED " }[step.state];
  const style = step.state === "failed" ? "failed" : step.state === "canceled" ? "warning" : isOver(step) ? "done" : "plain";
  const time = step.state === "cached" ? 0 : (step.ended ?? now) - step.started;
  return { left: ` => ${mark}${step.name}`, right: seconds(time), style };
}

function missRows(step: Step): readonly Row[] {
  return step.miss === undefined ? [] : [{ left: ` => => MISS ${step.miss}`, style: "warning" }];
}

function detailRows(step: Step): readonly Row[] {
  const transfers = [...step.transfers.values()].filter((transfer) => !transfer.done).slice(0, TRANSFER_ROWS);
  const output = step.log.tail(LOG_ROWS);
  return [
    ...transfers.map((transfer): Row => ({ left: ` => => ${transfer.item} ${bar(transfer)}`, right: amount(transfer), style: "plain" })),
    ...output.map((text): Row => ({ left: ` => => # ${text}`, style: "dim" })),
  ];
}

/** `[====>    ]`; nothing where the total is not known. */
export function bar({ current, total }: Transfer): string {
  if (total === undefined || total === 0) return "";
  const full = Math.min(BAR, Math.floor((current / total) * BAR));
  return `[${"=".repeat(full)}${full < BAR ? ">" : ""}${" ".repeat(Math.max(0, BAR - full - 1))}]`;
}

/** `1.2MB / 5MB`. */
export function amount({ current, total }: Transfer): string {
  return total === undefined ? humanSize(current) : `${humanSize(current)} / ${humanSize(total)}`;
}
