/** A program that fetches what a project depends on. */
export interface Tool {
  readonly name: string;
  /** Matches a command that installs, at its beginning. */
  readonly installs: RegExp;
  /** Files that say what is installed, at the top of a project. */
  readonly manifests: RegExp;
  /** Files that the command itself names (`pip install -r FILE`). */
  readonly named?: RegExp;
  /** Where it keeps what it fetched, for root. */
  readonly caches: readonly string[];
  /** Fetches and does no more, where `installs` needs the sources too. */
  readonly fetches?: string;
}

/** The tools whose manifests and caches are known, each by its own manual. */
const TOOLS: readonly Tool[] = [
  { name: "npm", installs: /^npm (?:ci|clean-install|install|i)\b(?!.* -g\b)(?!.*--global)(?: -[^ ]*)*$/, manifests: /^(?:package\.json|package-lock\.json|npm-shrinkwrap\.json|\.npmrc)$/, caches: ["/root/.npm"] },
  { name: "yarn", installs: /^yarn(?: install)?(?: -[^ ]*)*$/, manifests: /^(?:package\.json|yarn\.lock|\.yarnrc|\.yarnrc\.yml|\.npmrc)$/, caches: ["/usr/local/share/.cache/yarn"] },
  { name: "pnpm", installs: /^pnpm (?:install|i|fetch)(?: -[^ ]*)*$/, manifests: /^(?:package\.json|pnpm-lock\.yaml|pnpm-workspace\.yaml|\.npmrc)$/, caches: ["/root/.local/share/pnpm/store"] },
  { name: "pip", installs: /^(?:python3? -m )?pip3? install\b.*(?:-r|--requirement)/, manifests: /^(?:requirements[^/]*\.txt|constraints[^/]*\.txt)$/, named: /(?:-r|-c|--requirement|--constraint)[ =]?(\S+)/g, caches: ["/root/.cache/pip"] },
  { name: "poetry", installs: /^poetry install\b.*--no-root/, manifests: /^(?:pyproject\.toml|poetry\.lock)$/, caches: ["/root/.cache/pypoetry"] },
  { name: "uv", installs: /^uv sync\b.*--no-install-project/, manifests: /^(?:pyproject\.toml|uv\.lock)$/, caches: ["/root/.cache/uv"] },
  { name: "go", installs: /^go mod (?:download|verify)/, manifests: /^(?:go\.mod|go\.sum)$/, caches: ["/go/pkg/mod"] },
  { name: "go", installs: /^(?:[A-Z_0-9]+=\S* )*go (?:build|install)\b/, manifests: /^(?:go\.mod|go\.sum)$/, caches: ["/root/.cache/go-build"], fetches: "go mod download" },
  { name: "cargo", installs: /^cargo fetch\b/, manifests: /^(?:Cargo\.toml|Cargo\.lock)$/, caches: ["/usr/local/cargo/registry"] },
  { name: "cargo", installs: /^cargo build\b/, manifests: /^(?:Cargo\.toml|Cargo\.lock)$/, caches: ["/usr/local/cargo/registry"] },
  { name: "bundler", installs: /^bundle install\b/, manifests: /^(?:Gemfile|Gemfile\.lock|\.ruby-version|[^/]+\.gemspec)$/, caches: [] },
  { name: "composer", installs: /^composer install\b/, manifests: /^(?:composer\.json|composer\.lock|auth\.json)$/, caches: ["/root/.composer/cache"] },
  { name: "maven", installs: /^(?:mvn|\.\/mvnw)\b.*dependency:(?:go-offline|resolve)/, manifests: /^pom\.xml$/, caches: ["/root/.m2"] },
  { name: "maven", installs: /^mvn\b.*\b(?:package|install|verify|compile)\b/, manifests: /^pom\.xml$/, caches: ["/root/.m2"], fetches: "mvn -B dependency:go-offline" },
  { name: "apt", installs: /^apt(?:-get)? (?:-\S+ )*(?:update|install)\b/, manifests: /(?!)/, caches: ["/var/cache/apt"] },
  { name: "apk", installs: /^apk (?:-\S+ )*(?:add|update)\b/, manifests: /(?!)/, caches: [] },
  { name: "pip", installs: /^(?:python3? -m )?pip3? install (?!.*(?:-r|--requirement|-e|\s\.|\/))/, manifests: /(?!)/, caches: ["/root/.cache/pip"] },
  { name: "npm", installs: /^npm (?:install|i) .*(?:-g|--global)\b/, manifests: /(?!)/, caches: ["/root/.npm"] },
];

/** The tool that a command of the shell is of. */
export function toolOf(command: string): Tool | undefined {
  const plain = command.trim().replace(/\s+/g, " ");
  return TOOLS.find(({ installs }) => installs.test(plain));
}
