"""Verifies a receipt with joserfc: prints what it says, and checks that a changed one is refused."""

import json
import sys
import urllib.request

from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet

url, good, changed = sys.argv[1:]
with urllib.request.urlopen(url) as response:
    keys = KeySet.import_key_set(json.load(response))

receipt = jws.deserialize_compact(good, keys, algorithms=["Ed25519"])
assert receipt.headers()["typ"] == "countersign-receipt+jwt", receipt.headers()
try:
    jws.deserialize_compact(changed, keys, algorithms=["Ed25519"])
except BadSignatureError:
    pass
else:
    sys.exit("A changed receipt was accepted.")
print(receipt.payload.decode())
