// A program that knows nothing of the throttle: it calls Clerk with Node's own
// fetch, fifty times at once.
const api = process.env.CLERK_API_URL + '/v1';
const headers = { Authorization: 'Bearer sk_test_node', 'Content-Type': 'application/json' };

const created = await Promise.all(
  Array.from({ length: 50 }, (_, i) =>
    fetch(api + '/users', { method: 'POST', headers, body: JSON.stringify({ email_address: [`node${i}@example.com`] }) }),
  ),
);
const list = await fetch(api + '/users?limit=100', { headers });
console.log(
  JSON.stringify({
    created: created.filter(r => r.ok).length,
    failed: created.filter(r => !r.ok).length,
    listed: (await list.json()).length,
  }),
);
