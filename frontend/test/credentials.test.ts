import { expect, test } from "vitest";
import { Credential, expiry } from "../src/credentials.ts";
import { World } from "./environment.ts";
import { jwt } from "./following.ts";

test.each(["", "opaque", "a.b.c", `a.${btoa("null")}.c`, `a.${btoa('{"exp":"soon"}')}.c`])(
  "a token that does not say when it expires is as good as any: %j",
  (token) => {
    expect(expiry(token)).toBeNull();
  },
);

test("the end of a token is read from base64url, too", () => {
  const payload = btoa('{"exp":1800000000,"sub":"???>>>"}')
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=/g, "");
  expect(expiry(`h.${payload}.s`)).toBe(1_800_000_000_000);
});

test("who asks at the same time gets the same token, asked for once", async () => {
  const world = new World();
  let calls = 0;
  const credential = new Credential(
    async () => `t${++calls}`,
    world.environment,
    () => {},
  );
  expect(await Promise.all([credential.get(), credential.get()])).toEqual(["t1", "t1"]);
  expect(await Promise.all([credential.renew("t1"), credential.renew("t1")])).toEqual(["t2", "t2"]);
  expect(await credential.renew("t1")).toBe("t2"); // Someone else has renewed it before.
  expect(calls).toBe(2);
});

test("there is no other token where the source is one, or gives the same again", async () => {
  const { environment } = new World();
  expect(await new Credential("fixed", environment, () => {}).renew("fixed")).toBeNull();
  expect(
    await new Credential(
      () => "same",
      environment,
      () => {},
    ).renew("same"),
  ).toBeNull();
});

test("a source that throws is asked again the next time", async () => {
  const answers = [new Error("no"), "t"];
  const source = () => {
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer ?? "";
  };
  const credential = new Credential(source, new World().environment, () => {});
  await expect(credential.get()).rejects.toThrow("no");
  expect(await credential.get()).toBe("t");
});

test("a clock that is wrong makes no busy loop: a token that looks expired is not renewed by time", async () => {
  const world = new World();
  let calls = 0;
  const source = () => jwt(world.now - 1, `${++calls}`);
  await new Credential(source, world.environment, () => {}).get();
  await world.pass(3_600_000);
  expect(calls).toBe(1);
});

test("a renewal that fails leaves the old token, and closed it asks no more", async () => {
  const world = new World();
  let calls = 0;
  let renewed = 0;
  const source = () => {
    if (++calls === 2) throw new Error("no network");
    return jwt(world.now + 100_000, `${calls}`);
  };
  const credential = new Credential(source, world.environment, () => renewed++);
  const token = await credential.get();
  await world.pass(99_000);
  expect([calls, renewed, credential.token]).toEqual([2, 0, token]);
  await credential.renew(token);
  credential.close();
  await world.pass(3_600_000);
  expect([calls, renewed]).toEqual([3, 0]);
  expect(world.left.timers).toBe(0);
});

test("a short life is renewed at its half", async () => {
  const world = new World();
  let calls = 0;
  const credential = new Credential(
    () => jwt(world.now + 4_000, `${++calls}`),
    world.environment,
    () => {},
  );
  await credential.get();
  await world.pass(1_999);
  expect(calls).toBe(1);
  await world.pass(1);
  expect(calls).toBe(2);
});
