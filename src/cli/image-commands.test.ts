import { afterAll, describe, expect, it } from "vitest";
import { ImageRig } from "../testing/images.ts";

const rig = new ImageRig();
afterAll(() => rig[Symbol.asyncDispose]());

const CHANGES = ['CMD ["sh", "-c", "echo hi"]', "ENV A=1", "EXPOSE 80", "LABEL kind=test", "WORKDIR /srv", "USER www"];

describe("images made by import", () => {
  it("are listed in docker's columns, newest first, and by template", async () => {
    const id = await rig.image("me/app:1", { "srv/a": "1".repeat(5000) }, CHANGES);
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
    await rig.ok(["tag", "me/app:1", "localhost:5000/me/app:2"]);
    const lines = (await rig.ok(["images"])).split("\n");
    expect(lines[0]).toMatch(/^REPOSITORY {2,}TAG {2,}IMAGE ID {2,}CREATED {2,}SIZE$/);
    expect(lines.slice(1, 3).map((line) => line.split(/ {2,}/).slice(0, 3))).toEqual([
      ["localhost:5000/me/app", "2", id.slice(7, 19)],
      ["me/app", "1", id.slice(7, 19)],
    ]);
    expect(await rig.ok(["images", "-q"])).toBe(`${id.slice(7, 19)}\n`);
    expect(await rig.ok(["images", "-q", "--no-trunc", "me/app"])).toBe(`${id}\n`);
    expect(await rig.ok(["images", "me/app:2"])).toBe("REPOSITORY   TAG       IMAGE ID   CREATED   SIZE\n");
    expect(await rig.ok(["images", "--format", "{{.Repository}}:{{.Tag}}"])).toBe("localhost:5000/me/app:2\nme/app:1\n");
    expect(JSON.parse(await rig.ok(["images", "--format", "json", "me/app:1"]))).toMatchObject({ Repository: "me/app", Tag: "1", ID: id.slice(7, 19), Digest: "<none>" });
  });

  it("are filtered by reference, label and dangling", async () => {
    const named = async (...filters: string[]) => await rig.ok(["images", "--format", "{{.Repository}}", ...filters.flatMap((filter) => ["--filter", filter])]);
    expect(await named("reference=me/*")).toBe("me/app\n");
    expect(await named("label=kind=test", "reference=me/app:?")).toBe("me/app\n");
    expect(await named("label=kind=other")).toBe("");
    const dangling = await rig.image("gone:latest", { x: "y" });
    await rig.image("gone:latest", { x: "z" });
    expect(await rig.ok(["images", "--no-trunc", "-q", "-f", "dangling=true"])).toBe(`${dangling}\n`);
    expect(await rig.ok(["images", "--format", "{{.Repository}} {{.Tag}}", "-f", "dangling=true"])).toBe("<none> <none>\n");
    expect(await rig.run(["images", "-f", "danglig=true"])).toMatchObject({ code: 1, err: expect.stringContaining("did you mean dangling") as unknown });
    expect(await rig.run(["images", "-f", "reference=[a"])).toMatchObject({ code: 1, err: expect.stringContaining("syntax error in pattern") as unknown });
    expect(await rig.run(["images", "--format", "{{.Nope}}"])).toMatchObject({ code: 1, err: expect.stringContaining("can't evaluate field Nope") as unknown });
    expect(await rig.ok(["images", "--format", "table{{.Tag}}", "me/app"])).toBe("TAG\n1\n");
  });

  it("are inspected in docker's JSON and by template", async () => {
    const [image] = JSON.parse(await rig.ok(["inspect", "me/app:1"])) as [Record<string, unknown>];
    expect(image).toMatchObject({ RepoTags: ["localhost:5000/me/app:2", "me/app:1"], Os: "linux", RootFS: { Type: "layers" }, Config: { Cmd: ["sh", "-c", "echo hi"], WorkingDir: "/srv", User: "www", ExposedPorts: { "80/tcp": {} }, Labels: { kind: "test" } } });
    expect((image["Config"] as { Env: string[] }).Env).toContain("A=1");
    expect(await rig.ok(["inspect", "-f", "{{.Config.WorkingDir}} {{json .Config.Cmd}} {{.Config.Entrypoint}} {{.Config.Volumes}} {{len .RootFS.Layers}}", "me/app:1"])).toBe('/srv ["sh","-c","echo hi"] [] map[] 1\n');
    expect(await rig.run(["inspect", "me/app:1", "nowhere"])).toMatchObject({ code: 1, err: "Error: No such object: nowhere\n" });
    expect(await rig.run(["inspect", "-f", "{{.Nope}}", "me/app:1"])).toMatchObject({ code: 1, err: expect.stringContaining('no entry for key "Nope"') as unknown });
    expect(await rig.run(["inspect", "-f", "{{.Config.Env.Foo}}", "me/app:1"])).toMatchObject({ code: 1, err: expect.stringContaining("can't evaluate field Foo in type interface {}") as unknown });
    expect(await rig.ok(["inspect", "-f", "{{.Config.Labels.none}} {{.Config.Healthcheck}}{{.Config.StopSignal}} {{.Config.ExposedPorts}} {{.RootFS.Type}}", "me/app:1"])).toBe("<no value> <nil> map[80/tcp:{}] layers\n");
    expect(await rig.run(["inspect", "--type", "container", "me/app:1"])).toMatchObject({ code: 1, err: "Error: No such container: me/app:1\n" });
  });

  it("have a history, the newest line first and the only one with an ID", async () => {
    const id = (await rig.ok(["images", "-q", "me/app:1"])).trim();
    const lines = (await rig.ok(["history", "me/app:1"])).split("\n");
    expect(lines[0]).toMatch(/^IMAGE {2,}CREATED {2,}CREATED BY {2,}SIZE {2,}COMMENT$/);
    expect(lines[1]).toMatch(new RegExp(`^${id} +Less than a second ago|^${id} +\\d+ seconds? ago`));
    expect(await rig.ok(["history", "--format", "{{.CreatedBy}}|{{.Comment}}", "me/app:1"])).toBe("laminate import|Imported from -\n");
    expect(await rig.run(["history", "nope"])).toMatchObject({ code: 1, err: expect.stringContaining("No such image: nope") as unknown });
  });

  it.each([[["history"]], [["inspect"]], [["inspect", "--type", "image"]], [["rmi"]], [["tag"]], [["push"]], [["save", "-o", "/nowhere/x.tar"]], [["run", "--pull", "never"]]])("are offered to %j where a name is misspelt", async (command) => {
    const { code, err } = await rig.run([...command, "me/ap:1", ...(command[0] === "tag" ? ["x"] : [])]);
    expect(code).not.toBe(0);
    expect(err).toMatch(/No such (image|object): me\/ap:1\ndid you mean me\/app:1\?\n/);
  });

  it("lose a name, and go with the last", async () => {
    const id = await rig.image("two:1", { a: "two" });
    await rig.ok(["tag", "two:1", "two:2"]);
    expect(await rig.ok(["rmi", "two:1"])).toBe("Untagged: two:1\n");
    expect(await rig.ok(["rmi", "two:2"])).toMatch(new RegExp(`^Untagged: two:2\nDeleted: ${id}\nDeleted: sha256:[0-9a-f]{64}\n$`));
    const again = await rig.image("two:1", { a: "two" });
    await rig.ok(["tag", "two:1", "other:1"]);
    expect(await rig.run(["rmi", again])).toMatchObject({ code: 1, err: expect.stringContaining("image is referenced in multiple repositories") as unknown });
    expect(await rig.ok(["rmi", "-f", again.slice(7, 19)])).toContain(`Untagged: other:1\nUntagged: two:1\nDeleted: ${again}\n`);
    expect(await rig.run(["rmi", "two:1"])).toMatchObject({ code: 1, err: "Error: No such image: two:1\n" });
    expect(await rig.run(["rmi", "-f", "two:1"])).toMatchObject({ code: 0 });
  });
});

describe("import", () => {
  it("says of the config what the changes say, and no more", async () => {
    await rig.image("said:1", undefined, ['CMD ["sh"]', "ENV A=b"]);
    expect(await rig.ok(["inspect", "-f", "{{.Config.WorkingDir}} {{json .Config.Cmd}} {{json .Config.Env}}", "said:1"])).toBe(' ["sh"] ["A=b"]\n');
  });

  it("refuses what is no change, before it reads the tar", async () => {
    expect(await rig.run(["import", "-c", "RUN true", "-", "x"], [])).toMatchObject({ code: 1, err: expect.stringContaining("RUN is not a change") as unknown });
    expect(await rig.run(["import", "-c", "CMD [", "-", "x:Y Z"], [])).toMatchObject({ code: 1 });
    expect(await rig.run(["import", "http://x/y.tar", "x"])).toMatchObject({ code: 125, err: expect.stringContaining("download it") as unknown });
  });
  it("refuses what is no tar", async () => {
    expect(await rig.run(["import", "-", "x"], [Buffer.alloc(2048, "x")])).toMatchObject({ code: 1 });
    expect(await rig.ok(["images", "x"])).toBe("REPOSITORY   TAG       IMAGE ID   CREATED   SIZE\n");
  });
});

describe("version and info", () => {
  it("say what there is", async () => {
    expect(await rig.ok(["version"])).toMatch(/^laminate version \d/);
    expect(await rig.ok(["version", "--format", "{{.Client.Version}}"])).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(await rig.ok(["info", "--format", "{{.DockerRootDir}}"])).toBe(`${rig.root}\n`);
  });
});
