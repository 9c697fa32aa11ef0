import { describe, expect, it } from "vitest";
import { compileTemplate, TemplateFailure } from "./go-template.ts";
import { goMap, goStruct, NIL_MAP, NIL_SLICE } from "./go-values.ts";
import { renderList } from "./list-format.ts";

const DATA = {
  Id: "sha256:abc",
  Size: 12,
  Config: { Cmd: ["sh", "-c", "a b"], Env: ["A=1", "B=2"], Labels: { "org.x/y": "z", b: "c" }, Tty: false, Entrypoint: NIL_SLICE, Volumes: NIL_MAP },
  Ports: { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }] },
  Map: goMap({ a: "b", s: goStruct({}) }),
  Struct: goStruct({ Type: "layers", List: ["a", "b"], Pointer: null }, { Hidden: "h", Type: "not this" }),
  List: [{ Name: "one" }, { Name: "two" }],
};

const format = (text: string): string => compileTemplate(text)(DATA);

describe("a Go template", () => {
  it.each([
    ["{{.Id}}", "sha256:abc"],
    ["{{ .Config.Cmd }} {{.Size}}", "[sh -c a b] 12"],
    ["{{json .Config.Cmd}}", '["sh","-c","a b"]'],
    ["{{.Config.Cmd | json}}", '["sh","-c","a b"]'],
    ["{{.Config.Labels}}", "map[b:c org.x/y:z]"],
    ["{{.Config.Entrypoint}}{{.Config.Volumes}}{{json .Config.Volumes}}", "[]map[]null"],
    ['{{index .Config.Labels "org.x/y"}}', "z"],
    ['{{index .Config.Labels "none"}}', ""],
    ["{{index .Config.Cmd 1}}", "-c"],
    ['{{(index (index .Ports "80/tcp") 0).HostPort}}', "8080"],
    ['{{range $p, $conf := .Ports}}{{$p}} -> {{(index $conf 0).HostPort}}{{end}}', "80/tcp -> 8080"],
    ["{{range .Config.Env}}{{println .}}{{end}}", "A=1\nB=2\n"],
    ["{{range $i, $e := .Config.Env}}{{if $i}}, {{end}}{{$e}}{{end}}", "A=1, B=2"],
    ["{{range .List}}{{.Name}}/{{$.Size}} {{end}}", "one/12 two/12 "],
    ["{{range .Config.Entrypoint}}x{{else}}none{{end}}", "none"],
    ["{{if .Config.Tty}}tty{{else if eq .Size 12}}twelve{{else}}no{{end}}", "twelve"],
    ["{{if and .Id (not .Config.Tty) (gt .Size 10)}}yes{{end}}", "yes"],
    ["{{with .Config}}{{len .Env}}{{end}}", "2"],
    ["{{with .Config.Entrypoint}}x{{else}}y{{end}}", "y"],
    ['{{join .Config.Cmd ","}} {{upper .Id}} {{printf "%q %5d|%-4s|" .Id .Size "x"}}', 'sh,-c,a b SHA256:ABC "sha256:abc"    12|x   |'],
    ["a {{- /* away */ -}} b", "ab"],
    ["a  {{- .Size -}}  b", "a12b"],
    ['{{$x := .Size}}{{$x}}{{"}}"}}{{`\\`}}', "12}}\\"],
    ['{{split "a:b" ":"}} {{slice .Id 0 6}} {{truncate .Id 3}} {{eq .Id "x" "sha256:abc"}}', "[a b] sha256 sha true"],
    ["{{.Map}}{{.Map.a}}{{.Map.nope}}{{.Config.Volumes.nope}}", "map[a:b s:{}]b<no value><no value>"],
    ["{{.Struct}} {{json .Struct}} {{.Struct.Hidden}} {{.Struct.Pointer}}", '{layers [a b] <nil>} {"Type":"layers","List":["a","b"],"Pointer":null} h <nil>'],
    ['{{if .Map.nope}}x{{else}}{{with .Map}}{{.a}}{{end}}{{end}}{{index .Map "a"}}', "bb"],
  ])("%s", (text, wanted) => {
    expect(format(text)).toBe(wanted);
  });

  it.each([
    ["{{.Nope}}", 'map has no entry for key "Nope"'],
    ["{{.Id", "unclosed action"],
    ["{{nope .Id}}", 'function "nope" not defined'],
    ["{{if .Id}}x", "{{if}} has no {{end}}"],
    ["{{end}}", "unexpected {{end}}"],
    ["{{index .Config.Cmd 9}}", "out of range"],
    ["{{}}", "missing value"],
    ["{{.Id.X}}", "can't evaluate field X"],
    ["{{$y}}", "undefined variable"],
  ])("refuses %s", (text, why) => {
    expect(() => format(text)).toThrow(TemplateFailure);
    expect(() => format(text)).toThrow(why);
  });
});

describe("a list", () => {
  const list = { headings: { ID: "IMAGE ID", Tag: "TAG" }, columns: ["ID", "Tag"] };
  const rows = [{ ID: "abc", Tag: "latest" }];
  it("is a table unless a format says otherwise", () => {
    expect(renderList({ ...list, format: undefined }, rows)).toBe("IMAGE ID   TAG\nabc        latest\n");
    expect(renderList({ ...list, format: "table {{.Tag}}\\t{{.ID}}" }, rows)).toBe("TAG       IMAGE ID\nlatest    abc\n");
    expect(renderList({ ...list, format: "{{.Tag}}:{{.ID}}" }, rows)).toBe("latest:abc\n");
    expect(renderList({ ...list, format: "json" }, rows)).toBe('{"ID":"abc","Tag":"latest"}\n');
    expect(renderList({ ...list, format: undefined, quiet: "ID" }, rows)).toBe("abc\n");
  });
});
