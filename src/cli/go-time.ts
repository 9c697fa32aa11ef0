/** A time as Go prints it by default, in UTC: `2024-05-01 10:11:12 +0000 UTC`. */
export function goTime(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`;
}
