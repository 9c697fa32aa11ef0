/** What a token must allow to read a repository (distribution, docs/spec/auth/scope.md). */
export function pullScope(repository: string): string {
  return `repository:${repository}:pull`;
}

/** What a token must allow to read and write a repository. */
export function pushScope(repository: string): string {
  return `repository:${repository}:pull,push`;
}
