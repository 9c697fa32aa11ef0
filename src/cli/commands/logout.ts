import { defineCommand } from "../command.ts";

export const command = defineCommand({
  name: "logout",
  summary: "Log out from a registry",
  usage: "[SERVER]",
  examples: ["laminate logout localhost:5000"],
  flags: {},
  arguments: { min: 0, max: 1 },
  async run({ env, stdout }, _values, [server]) {
    const registry = (server ?? "docker.io").replace(/^https?:\/\//, "").replace(/\/.*$/, "");
    const { logout } = await import("../../api/logout.ts");
    stdout.write((await logout(env, registry)) ? `Removing login credentials for ${registry}\n` : `Not logged in to ${registry}\n`);
    return 0;
  },
});
