import { nearest } from "../base/nearest.ts";
import { RequestFailure } from "./api-error.ts";

/** What `--filter` of the prune commands chooses. */
export interface PruneFilters {
  /** Only what was made before this, milliseconds since the epoch. */
  readonly before?: number;
  readonly labels: readonly LabelFilter[];
  readonly dangling?: boolean;
}

interface LabelFilter {
  readonly name: string;
  readonly value?: string;
  /** False for `label!=`. */
  readonly wanted: boolean;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Reads `until=24h`, `until=2026-01-31`, `label=KEY[=VALUE]`, `label!=…` and `dangling=…`, those of them that are allowed. Throws RequestFailure. */
export function parsePruneFilters(filters: readonly string[], allowed: readonly ("until" | "label" | "dangling")[], now: number): PruneFilters {
  let result: PruneFilters = { labels: [] };
  for (const filter of filters) {
    const [, key = "", not, value = ""] = /^([^=!]*)(!?)=?(.*)$/s.exec(filter)!;
    if (!allowed.some((one) => one === key)) {
      const near = nearest(key, allowed);
      throw new RequestFailure("bad-filter", `invalid filter '${key}'`, { hint: near === undefined ? `these can be given: ${allowed.join(", ")}` : `did you mean ${near}?` });
    }
    if (key === "until") result = { ...result, before: timeOf(value, now) };
    else if (key === "dangling") result = { ...result, dangling: booleanOf(value) };
    else result = { ...result, labels: [...result.labels, labelOf(value, not !== "!")] };
  }
  return result;
}

/** Whether all `label` filters take something with these labels. */
export function matchesLabels(labels: Readonly<Record<string, string>> | null | undefined, filters: readonly LabelFilter[]): boolean {
  return filters.every(({ name, value, wanted }) => {
    const own = labels?.[name];
    return (own !== undefined && (value === undefined || own === value)) === wanted;
  });
}

/** A while before now as Go writes it (`1h30m`), a date or time, or seconds since the epoch. */
export function timeOf(text: string, now: number): number {
  if (/^(\d+(\.\d+)?(ms|[smhdw]))+$/.test(text)) {
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])/g)];
    return now - parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit!]!, 0);
  }
  const time = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (text === "" || Number.isNaN(time)) {
    throw new RequestFailure("bad-filter", `filter until: failed to parse value as time or duration: "${text}"`, { hint: "as in until=24h or until=2026-01-31T10:00:00Z" });
  }
  return time;
}

function booleanOf(text: string): boolean {
  if (/^(true|1)$/i.test(text)) return true;
  if (/^(false|0)$/i.test(text)) return false;
  throw new RequestFailure("bad-filter", `filter dangling: ${JSON.stringify(text)} is neither true nor false`);
}

function labelOf(text: string, wanted: boolean): LabelFilter {
  const equals = text.indexOf("=");
  return equals < 0 ? { name: text, wanted } : { name: text.slice(0, equals), value: text.slice(equals + 1), wanted };
}
