/** The demo's own endpoints. */

/** Send a form to the site; rejects with an Error that says why it was refused. */
export async function post(url, fields = {}) {
  const response = await fetch(url, {
    method: "POST",
    headers: { Accept: "application/json", "X-CSRFToken": cookie("csrftoken") },
    body: new URLSearchParams(fields),
  });
  if (!response.ok && response.status !== 409) throw new Error(await reason(response));
  return response;
}

function cookie(name) {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
  return found ? found.slice(name.length + 1) : "";
}

async function reason(response) {
  const problem = await response.json().catch(() => ({}));
  return problem.detail ?? problem.title ?? `the server answered with ${response.status}`;
}
