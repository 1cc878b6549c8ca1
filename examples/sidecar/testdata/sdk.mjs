// The official SDK: all that changes is its apiUrl.
import { createRequire } from 'node:module';

const require = createRequire(process.env.CLERK_NODE_MODULES + '/');
const { createClerkClient } = require('@clerk/backend');
const clerk = createClerkClient({ secretKey: 'sk_test_node', apiUrl: process.env.CLERK_API_URL });

const results = await Promise.allSettled(
  Array.from({ length: 30 }, (_, i) => clerk.users.createUser({ emailAddress: [`sdk${i}@example.com`] })),
);
const failures = results.filter(r => r.status === 'rejected').map(r => r.reason);
console.log(
  JSON.stringify({
    created: results.length - failures.length,
    failed: failures.length,
    status: failures[0]?.status,
    code: failures[0]?.errors?.[0]?.code,
    retryAfter: failures[0]?.retryAfter,
  }),
);
