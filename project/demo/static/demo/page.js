import { browserEnvironment, connect, fetchAsync } from "../pushjobs/pushjobs-elements.js";
import { EventLog } from "./events.js";
import { JobList } from "./joblist.js";
import { Network } from "./network.js";
import { ConnectionPanel } from "./panel.js";
import { ReportForm } from "./report.js";
import { post } from "./server.js";
import { StartForm, takeDrops } from "./start.js";
import { Switchboard } from "./switchboard.js";
import { WorkerSwitch } from "./worker.js";

const part = (name) => document.querySelector(`[data-${name}]`);
const { jobs: url, guest, known } = document.body.dataset;

const network = new Network(browserEnvironment());
const { environment } = network;
// Not shared with other tabs, as it is by default: what is broken here is this tab's own connection.
const jobs = new Switchboard((transports) => connect({ url, transports, share: false, environment }));

const log = new EventLog({ list: part("events"), empty: part("no-events"), count: part("count") });
const panel = new ConnectionPanel(document.querySelector(".connection"), (text) => log.note(text));
const list = new JobList(document.querySelector(".jobs"), url);

/** Resolves once the visitor is someone: who is not becomes a guest with the first job. */
let welcomed = known === undefined ? null : Promise.resolve();

async function welcome() {
  const first = welcomed === null;
  welcomed ??= post(guest);
  try {
    await welcomed;
  } catch (error) {
    welcomed = null;
    throw error;
  }
  if (!first) return;
  jobs.cursor = "earliest"; // A new guest has no jobs from before: their events are all there.
  follow();
}

function follow() {
  const mine = jobs.subscribe("user:me");
  mine.on("*", (event) => {
    log.event(event, list.nameOf(event));
    list.preview(mine.state.get().get(event.job));
  });
  mine.done.catch((error) => {
    part("trouble").textContent = `Your jobs cannot be followed: ${error.message}. Load the page again.`;
    part("trouble").hidden = false;
  });
  list.follow(jobs);
}

const forms = [...document.querySelectorAll("form[data-start]")].map(
  (form) =>
    new StartForm(form, async (name, args, files) => {
      await welcome();
      await jobs.submit(name, args, { files });
    }),
);
takeDrops(forms);

new ReportForm(part("report"), async (view, onProgress) => {
  if (network.offline) throw new Error("The page is offline.");
  await welcome();
  return fetchAsync(view, { jobs, onProgress });
});

for (const choice of document.querySelectorAll("input[name=transport]")) {
  choice.addEventListener("change", () => {
    log.note(
      choice.value
        ? `only ${choice.nextElementSibling.textContent} from now on`
        : "the best transport from now on",
    );
    jobs.use(choice.value ? [choice.value] : undefined);
  });
}

part("cut").addEventListener("click", () => {
  log.note("the connection was cut");
  network.cut();
});

part("offline").addEventListener("click", ({ currentTarget }) => {
  network.offline = !network.offline;
  currentTarget.setAttribute("aria-pressed", String(network.offline));
  currentTarget.textContent = network.offline ? "Come back online" : "Go offline";
});

if (part("worker")) new WorkerSwitch(part("worker"), (text) => log.note(text));

jobs.connection.subscribe((state) => panel.show(state));
document.documentElement.classList.add("live");
if (welcomed) follow();
