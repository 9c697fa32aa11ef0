import { expect, test } from "vitest";
import { findAccount } from "./user.ts";

const PASSWD = "root:x:0:0:root:/root:/bin/sh\n# a comment\nbroken line\napp:x:1000:1001:App:/home/app:/bin/sh\n77:x:5:6::/seven:/bin/sh\nbare:x:8:9:::\n";
const GROUP = "root:x:0:\napp:x:1001:\nstaff:x:50:app,other\nvideo:x:44:app\n";

test("a name gives its ids, home and the groups that list it", () => {
  expect(findAccount("app", PASSWD, GROUP)).toEqual({ uid: 1000, gid: 1001, groups: [50, 44], home: "/home/app" });
});

test("nothing at all is root, also without a passwd file", () => {
  expect(findAccount("", PASSWD, GROUP)).toEqual({ uid: 0, gid: 0, groups: [], home: "/root" });
  expect(findAccount("", "", "")).toEqual({ uid: 0, gid: 0, groups: [], home: "/" });
});

test("a group takes the place of the supplementary ones", () => {
  expect(findAccount("app:video", PASSWD, GROUP)).toEqual({ uid: 1000, gid: 44, groups: [], home: "/home/app" });
  expect(findAccount(":50", PASSWD, GROUP).gid).toBe(50);
});

test("numbers need no lines", () => {
  expect(findAccount("4321:99", "", "")).toEqual({ uid: 4321, gid: 99, groups: [], home: "/" });
});

test("a name made of digits is a name first", () => {
  expect(findAccount("77", PASSWD, GROUP)).toEqual({ uid: 5, gid: 6, groups: [], home: "/seven" });
});

test("an empty home is the root directory", () => {
  expect(findAccount("bare", PASSWD, GROUP).home).toBe("/");
});

test("unknown names and numbers out of range are refused in Docker's words", () => {
  expect(() => findAccount("ghost", PASSWD, GROUP)).toThrow("unable to find user ghost: no matching entries in passwd file");
  expect(() => findAccount("app:ghosts", PASSWD, GROUP)).toThrow("unable to find group ghosts: no matching entries in group file");
  expect(() => findAccount("2147483648", PASSWD, GROUP)).toThrow(/range/);
});
