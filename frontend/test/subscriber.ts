/** Subscriptions whose source and server are a test's. */

import { Api } from "../src/api.ts";
import type { Start } from "../src/source.ts";
import { JobSubscription, Subscription } from "../src/subscription.ts";
import type { Channel, JobEvent } from "../src/wire.ts";
import { World } from "./environment.ts";
import { FakeSource } from "./fake-source.ts";
import { ID } from "./jobs.ts";

export class Subscriber {
  readonly world = new World();
  readonly source = new FakeSource();

  follow(start: Start = {}): JobSubscription {
    const api = new Api({ url: "https://example.org/jobs", environment: this.world.environment });
    return new JobSubscription(this.source, api, ID, start);
  }

  followAll(channel: Channel = "user:me") {
    return new Subscription(this.source, channel, {}, (jobs) => jobs);
  }
}

/** What is read of events, in words, until there are no more. */
export async function read(events: AsyncIterable<JobEvent>): Promise<string[]> {
  const types: string[] = [];
  for await (const event of events) types.push(event.type.slice(4));
  return types;
}
