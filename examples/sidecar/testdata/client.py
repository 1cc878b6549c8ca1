# A program that knows nothing of the throttle: Python's own urllib.
import json
import os
import urllib.request

api = os.environ["CLERK_API_URL"] + "/v1/users"
headers = {"Authorization": "Bearer sk_test_python", "Content-Type": "application/json"}


def call(body=None):
    with urllib.request.urlopen(urllib.request.Request(api, data=body, headers=headers)) as answer:
        return json.load(answer)


created = [call(json.dumps({"email_address": ["python%d@example.com" % i]}).encode()) for i in range(11)]
created.append(call(iter([b'{"email_address":', b'["chunked@example.com"]}'])))  # of unknown length
call()
print(json.dumps({"created": len(created), "listed": 200}))
